package console

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/plain"
)

const (
	sentSpan = 24 * time.Hour
	sentGrid = 5 * time.Minute // what is older than the span goes in such pieces
)

// sentAnswer is what the ledger recorded for sending since a time.
type sentAnswer struct {
	Since   time.Time           `json:"since"`
	Reports int64               `json:"reports"`
	Bytes   int64               `json:"bytes"`
	Entries map[string]sentPart `json:"entries"` // by the metric's name
}

type sentPart struct {
	Reports int64 `json:"reports"`
	Values  int64 `json:"values"`
	Bytes   int64 `json:"bytes"`
}

// counter adds up the ledger's reports. Each record is read once.
type counter struct {
	fsys vfs.FS
	dir  string

	mu     sync.Mutex // guards what is below
	next   int64      // the first record that was not read
	pieces map[time.Time]*sentAnswer
}

// sent says what left in the last day, entry by entry, from the reports' bytes.
func (a *api) sent(*http.Request) (any, error) { return a.counter.last(a.Now()) }

func (c *counter) last(now time.Time) (sentAnswer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	since := now.Add(-sentSpan).UTC()
	out := sentAnswer{Since: since, Entries: map[string]sentPart{}}
	if err := c.readOn(since); err != nil {
		return out, err
	}
	for begin, piece := range c.pieces {
		if begin.Before(since.Truncate(sentGrid)) {
			delete(c.pieces, begin)
			continue
		}
		out.Reports += piece.Reports
		out.Bytes += piece.Bytes
		for name, part := range piece.Entries {
			out.Entries[name] = out.Entries[name].plus(part)
		}
	}
	return out, nil
}

// readOn reads the records that came since it was last asked.
func (c *counter) readOn(since time.Time) error {
	book, err := ledger.OpenBook(c.fsys, c.dir)
	if errors.Is(err, ledger.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	if c.pieces == nil {
		if c.next, err = firstSince(book, since); err != nil {
			return err
		}
		c.pieces = map[time.Time]*sentAnswer{}
	}
	rd, err := book.From(c.next)
	if err != nil {
		return err
	}
	return rd.Read(func(r ledger.Record) error {
		c.next = r.Index + 1
		if r.Kind == ledger.KindReport && !r.Time.Before(since) {
			c.add(r)
		}
		return nil
	})
}

// firstSince is a record at or before the first one since then: it steps back,
// twice as far each time.
func firstSince(book *ledger.Book, since time.Time) (int64, error) {
	end := book.Checkpoint.Size
	for step := int64(window); step < end; step *= 2 {
		r, err := book.Record(end - step)
		if errors.Is(err, ledger.ErrNoRecord) {
			break // older than what is kept
		}
		if err != nil {
			return 0, err
		}
		if r.Time.Before(since) {
			return r.Index, nil
		}
	}
	return 0, nil
}

func (c *counter) add(r ledger.Record) {
	begin := r.Time.UTC().Truncate(sentGrid)
	piece := c.pieces[begin]
	if piece == nil {
		piece = &sentAnswer{Entries: map[string]sentPart{}}
		c.pieces[begin] = piece
	}
	piece.Reports++
	piece.Bytes += int64(len(r.Body))
	for _, w := range plain.Weigh(r.Body) {
		piece.Entries[w.Name] = piece.Entries[w.Name].plus(sentPart{Reports: 1, Values: int64(w.Points), Bytes: int64(w.Bytes)})
	}
}

func (p sentPart) plus(q sentPart) sentPart {
	return sentPart{Reports: p.Reports + q.Reports, Values: p.Values + q.Values, Bytes: p.Bytes + q.Bytes}
}
