package logstore

import (
	"context"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"
)

// Append stores entries. When it returns nil, all that Result does not count
// as rejected is durable. When it returns an error, nothing is acknowledged:
// sending the same again is right, since equal entries are answered once.
// Append keeps no reference to streams.
//
// If ctx ends while the sync is under way, the error says so and the entries
// may yet become visible. Callers wait while more than a bounded number of bytes
// is before them, so that a slow disk slows them down and fills no memory.
func (s *Store) Append(ctx context.Context, streams []Stream) (Result, error) {
	if s.closed.Load() {
		return Result{}, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	a := appender{s: s, now: s.o.Now().UnixNano()}
	a.oldest = a.now - int64(s.o.Retention)
	if s.o.Retention < 0 {
		a.oldest = 0
	}
	for i := range streams {
		for j := range streams[i].Entries {
			a.w.left += entrySize(&streams[i].Entries[j])
		}
	}
	for i := range streams {
		a.stream(&streams[i])
	}
	if a.result.Accepted > 0 {
		req := &commit{frames: a.w.frames, batches: a.w.batches, now: a.now, raw: a.raw, done: make(chan error, 1)}
		for _, f := range req.frames {
			req.bytes += len(f)
		}
		if err := s.queue.put(ctx, req); err != nil {
			req.release()
			return Result{}, err
		}
		select {
		case err := <-req.done:
			if err != nil {
				return Result{}, err
			}
		case <-ctx.Done():
			return Result{}, ctx.Err()
		}
	}
	s.counts.cut.Add(int64(a.result.Cut))
	for r, n := range a.result.Rejected {
		s.counts.reject(r, n)
	}
	return a.result, nil
}

func (c *counters) reject(r Reason, n int) {
	for i, known := range Reasons() {
		if r == known {
			c.rejected[i].Add(int64(n))
		}
	}
}

type appender struct {
	s           *Store
	w           frameWriter
	result      Result
	now, oldest int64
	raw         int64
}

func (a *appender) reject(r Reason, n int) {
	if a.result.Rejected == nil {
		a.result.Rejected = map[Reason]int{}
	}
	a.result.Rejected[r] += n
}

func (a *appender) stream(in *Stream) {
	ls, ok := validLabels(in.Labels)
	if !ok {
		a.reject(InvalidLabels, len(in.Entries))
		return
	}
	var st *stream
	for i := range in.Entries {
		e := in.Entries[i]
		if len(e.Line) > a.s.o.MaxLineBytes && a.s.o.CutLines {
			e.Line = cut(e.Line, a.s.o.MaxLineBytes)
			a.result.Cut++
		}
		if r := a.check(&e); r != "" {
			a.reject(r, 1)
			continue
		}
		if st == nil {
			if st = a.s.resolve(ls, a.now); st == nil {
				a.reject(StreamLimit, 1)
				a.refuseRest(in.Entries[i+1:])
				return
			}
			defer st.pending.Add(-1) // each batch holds its own from here
		}
		e.Metadata = normalize(e.Metadata)
		before := len(a.w.batches)
		a.w.add(st, &e)
		if len(a.w.batches) > before {
			st.pending.Add(1)
		}
		a.result.Accepted++
		a.raw += int64(len(e.Line))
	}
}

// refuseRest counts the entries of a refused stream, each under the first
// reason that holds for it.
func (a *appender) refuseRest(entries []Entry) {
	for i := range entries {
		if r := a.check(&entries[i]); r != "" {
			a.reject(r, 1)
		} else {
			a.reject(StreamLimit, 1)
		}
	}
}

func (a *appender) check(e *Entry) Reason {
	switch {
	case e.Timestamp < a.oldest:
		return TooOld
	case e.Timestamp > a.now+int64(a.s.o.MaxAhead):
		return TooFarAhead
	case len(e.Line) > a.s.o.MaxLineBytes:
		return LineTooLong
	case !e.Metadata.IsEmpty() && metadataSize(e.Metadata) > a.s.o.MaxMetadataBytes:
		return MetadataTooLarge
	}
	return ""
}

// cut shortens a line and splits no character.
func cut(line string, most int) string {
	n := most
	for n > 0 && n > most-utf8.UTFMax && !utf8.RuneStart(line[n]) {
		n--
	}
	if !utf8.RuneStart(line[n]) { // not UTF-8
		n = most
	}
	return line[:n]
}

func metadataSize(ls labels.Labels) int {
	n := 0
	ls.Range(func(l labels.Label) { n += len(l.Name) + len(l.Value) })
	return n
}

// resolve finds or creates the stream and marks it pending. It returns nil if
// the stream is not active and there is no room for it.
func (s *Store) resolve(ls labels.Labels, now int64) *stream {
	s.mu.RLock()
	st := s.index.get(ls)
	if st != nil && st.active {
		st.pending.Add(1)
		s.mu.RUnlock()
		return st
	}
	s.mu.RUnlock()

	s.mu.Lock()
	defer s.mu.Unlock()
	st = s.index.get(ls)
	if st == nil || !st.active {
		if !s.index.room(st, ls, s.o.MaxStreams) {
			return nil
		}
		st = s.index.getOrCreate(ls)
		s.index.activate(st)
		st.lastWrite = now
	}
	st.pending.Add(1)
	return st
}
