package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/websocket"

	"github.com/weir-telemetry/weir/localstore/logql"
	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

const (
	tailEvery    = 500 * time.Millisecond // between two looks
	tailPatience = 10 * time.Second       // with a client that does not read
	tailFor      = time.Hour              // then the client asks again, as with Loki
	maxTailDelay = 5 * time.Second        // of delay_for
	maxTails     = 10                     // at once
)

// tail follows a query over a websocket. A client that reads slowly misses
// entries and is told which; one that does not read at all is left.
func (l *loki) tail(w http.ResponseWriter, r *http.Request) {
	t, delay, err := l.tailRequest(r)
	if err != nil {
		writeLokiError(w, err)
		return
	}
	select {
	case l.tails <- struct{}{}:
		defer func() { <-l.tails }()
	default:
		http.Error(w, "too many queries are tailed at once", http.StatusTooManyRequests)
		return
	}
	// The upgrader refuses pages of other sites, and answers itself if it fails.
	up := websocket.Upgrader{ReadBufferSize: 1 << 10, WriteBufferSize: 8 << 10}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(r.Context(), tailFor)
	defer cancel()
	go func() {
		// Nothing is expected of the client but its close.
		conn.SetReadLimit(1 << 10)
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				cancel()
				return
			}
		}
	}()
	err = l.follow(ctx, conn, t, delay, categorize(r))
	if err != nil && !errors.Is(err, context.Canceled) {
		message := websocket.FormatCloseMessage(websocket.CloseInternalServerErr, closeText(err))
		_ = conn.WriteControl(websocket.CloseMessage, message, time.Now().Add(time.Second))
	}
}

// closeText cuts a text to what a close message holds.
func closeText(err error) string {
	s := err.Error()
	return s[:min(len(s), 120)]
}

func (l *loki) tailRequest(r *http.Request) (*logql.Tail, time.Duration, error) {
	if err := r.ParseForm(); err != nil {
		return nil, 0, badRequest(err)
	}
	p := logql.Params{Start: l.now().Add(-defaultRange), Direction: logql.Forward, Categorize: categorize(r)}
	if s := r.Form.Get("start"); s != "" {
		var err error
		if p.Start, err = parseTime(s); err != nil {
			return nil, 0, err
		}
	}
	if _, err := formLimit(r, "limit", defaultLogLimit); err != nil {
		return nil, 0, err
	}
	var delay time.Duration
	if s := r.Form.Get("delay_for"); s != "" {
		n, err := strconv.Atoi(s)
		if delay = time.Duration(n) * time.Second; err != nil || n < 0 || delay > maxTailDelay {
			return nil, 0, badRequestf("delay_for must be a number of seconds up to %d", maxTailDelay/time.Second)
		}
	}
	expr, err := syntax.ParseLog(r.Form.Get("query"))
	if err != nil {
		return nil, 0, err
	}
	t, err := l.engine.Tail(expr, p)
	return t, delay, err
}

func (l *loki) follow(ctx context.Context, conn *websocket.Conn, t *logql.Tail, delay time.Duration, categorized bool) error {
	every := time.NewTicker(tailEvery + delay)
	defer every.Stop()
	for {
		found, dropped, err := t.Next(ctx)
		if err != nil {
			return err
		}
		if len(found)+len(dropped) > 0 {
			if err := conn.SetWriteDeadline(time.Now().Add(tailPatience)); err != nil {
				return err
			}
			if err := conn.WriteMessage(websocket.TextMessage, tailed(found, dropped, categorized)); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-every.C:
		}
	}
}

// tailed writes one message.
func tailed(found logql.Streams, dropped []logql.Dropped, categorized bool) answer {
	a := answer(`{"streams":`)
	a = a.value(found, categorized)
	if categorized {
		a = append(a, `,"encodingFlags":["categorize-labels"]`...)
	}
	if len(dropped) > 0 {
		a = append(a, `,"dropped_entries":[`...)
		for i, d := range dropped {
			if i > 0 {
				a = append(a, ',')
			}
			a = append(a, `{"labels":`...)
			a = a.labels(d.Labels)
			a = append(a, `,"timestamp":"`...)
			a = append(strconv.AppendInt(a, d.Timestamp, 10), `"}`...)
		}
		a = append(a, ']')
	}
	return append(a, '}')
}
