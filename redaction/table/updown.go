package table

import "slices"

// A sum that may fall, `monotonic: false`, is how much there is of something:
// connections, items in a queue. What one source last said replaces what it
// said before; the sources that are live add up; deltas add to what there is.
// A source that is forgotten takes its part away.

// huge bounds one part, so that no number of them comes to an infinity.
const huge = 1e280

// stand remembers a point. Needs the lock.
func (s *signal) stand(e *entry, delta bool) Reason {
	pos, known := s.sources.find(e.id)
	if known {
		if reason := s.sources.list[pos].order(e.time); reason != located {
			return reason
		}
	}
	value := clampTo(toFloat(e.value, e.isInt), huge)
	if delta {
		s.values[e.cell] = clampTo(s.values[e.cell]+value, huge)
		e.value, e.isInt = 0, true // nothing stands of the source itself
	}
	if !known {
		_, tracked := s.track(source{id: e.id, start: e.start, time: e.time, value: e.value, isInt: e.isInt, cell: e.cell, seen: s.epoch})
		if !tracked && !delta {
			return SourceLimit
		}
		return located
	}
	src := &s.sources.list[pos]
	src.value, src.isInt = e.value, e.isInt
	src.keep(e, s.epoch)
	return located
}

// standing is what there is, by cell. Needs the lock.
func (s *signal) standing() []float64 {
	out := slices.Clone(s.values)
	for i := range s.sources.list {
		src := &s.sources.list[i]
		out[src.cell] += clampTo(toFloat(src.value, src.isInt), huge)
	}
	return out
}

func clampTo(v, limit float64) float64 { return max(-limit, min(v, limit)) }
