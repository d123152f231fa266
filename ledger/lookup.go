package ledger

import (
	"errors"
	"fmt"
)

// Policy finds the last record before r that holds the text of r's policy.
// False means that the ledger has none, or no more.
func (b *Book) Policy(r Record) (Record, bool, error) {
	reader, err := b.From(r.Index)
	if err != nil {
		return Record{}, false, err
	}
	s, err := openSegment(b.fsys, b.dir, reader.segment)
	if err != nil {
		return Record{}, false, err
	}
	s.file.Close()
	q, begin := newQueue(), s.header.first
	if s.header.version < 2 {
		begin = 0 // it does not say what came before
	} else if q, err = s.header.queue(); err != nil {
		return Record{}, false, &Fault{File: s.name, Index: begin, What: err.Error(), Hint: hintDamaged}
	}
	if reader, err = b.From(begin); err != nil {
		return Record{}, false, err
	}
	stop := errors.New("stop")
	err = reader.Read(func(x Record) error {
		if x.Index >= r.Index {
			return stop
		}
		q.apply(&x, x.About().Size, 0, 0)
		return nil
	})
	if err != nil && !errors.Is(err, stop) {
		return Record{}, false, err
	}
	index, ok := q.policies[r.PolicyDigest]
	if !ok {
		return Record{}, false, nil
	}
	p, err := b.Record(index)
	if err == nil && (p.Kind != KindPolicy || digest(p.Body) != r.PolicyDigest) {
		err = fmt.Errorf("record %d is not the policy that it should be", index)
	}
	return p, err == nil, err
}

// Fate is what became of a report.
type Fate struct {
	Record  int64   // the record that says so
	Outcome Outcome // its Result is Dropped for one that was given up
}

// Fate finds what became of a report. False means that it is pending.
func (b *Book) Fate(report Record) (Fate, bool, error) {
	reader, err := b.From(report.Index + 1)
	if err != nil {
		return Fate{}, false, err
	}
	var fate Fate
	stop := errors.New("stop")
	err = reader.Read(func(x Record) error {
		switch x.Kind {
		case KindOutcome:
			if o, err := ParseOutcome(x.Body); err == nil && o.Report == report.Index {
				fate = Fate{Record: x.Index, Outcome: o}
				return stop
			}
		case KindDrop:
			if d, err := ParseDrop(x.Body); err == nil && d.From <= report.Index && report.Index <= d.To {
				fate = Fate{Record: x.Index, Outcome: Outcome{Report: report.Index, Result: Dropped}}
				return stop
			}
		}
		return nil
	})
	if errors.Is(err, stop) {
		return fate, true, nil
	}
	return Fate{}, false, err
}

// Pending lists the reports without an outcome, oldest first.
func (b *Book) Pending() ([]Entry, error) {
	firsts, err := segments(b.fsys, b.dir)
	if err != nil {
		return nil, err
	}
	if len(firsts) == 0 {
		return nil, ErrNone
	}
	s, err := openSegment(b.fsys, b.dir, firsts[len(firsts)-1])
	if err != nil {
		return nil, err
	}
	s.file.Close()
	r, err := b.From(s.header.oldestPending)
	if err != nil {
		return nil, err
	}
	q := newQueue()
	err = r.Read(func(x Record) error {
		q.apply(&x, x.About().Size, 0, 0)
		return nil
	})
	return q.pending, err
}
