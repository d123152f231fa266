package table

import (
	"math/bits"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// locate finds the points' cells and, if the signal needs them, their sources,
// into the first entries of the chunk. It passes over those that have a reason
// to be dropped, and may give one.
//
// A key's first copy counts; what the point lacks is looked up on the
// resource; what is outside its domain does not fall back to the resource.
func (o *observer) locate(s *signal, points []pcommon.Map) {
	if s.dict != nil || !s.needsSource || len(s.attributes) > len(s.wanted) {
		for i, m := range points {
			if e := &o.chunk[i]; e.reason == located {
				o.locateOne(s, m, e)
			}
		}
		return
	}
	// Each point takes three short loops: one fetches where its texts are, one
	// hashes them, and one looks up what was found. So the processor is well
	// into the next point's fetches while it waits for this one's. Where keys
	// stand is anyone's guess, and so there is none to make. The texts are on
	// the stack: a pointer written to memory costs dearly while the garbage
	// collector is at work.
	var (
		in  [row]pair
		out hashed
		h   = &o.t.hasher
	)
	for p, m := range points {
		e := &o.chunk[p]
		if e.reason != located {
			continue
		}
		if m.Len() > row {
			o.locateOne(s, m, e)
			continue
		}
		n, lengths := 0, uint(0)
		for k, v := range m.All() {
			text := v.Str()
			in[n&(row-1)] = pair{k, text}
			lengths |= uint(len(k)-1) | uint(len(text)-1)
			n++
		}
		id, others := o.base, uint32(0)
		if lengths >= longestShort {
			var sum hash128
			sum, others = h.others(m)
			id = id.plus(sum)
			for rest := others; rest != 0; rest &= rest - 1 {
				a := &in[bits.TrailingZeros32(rest)&(row-1)]
				a.value = placeholder
				if !isShort(a.key) {
					a.key = placeholder
				}
			}
		}
		e.id = id.plus(h.pairs(in[:n], &s.wanted, &out))
		o.cell(s, m, e, &in, &out, others)
	}
}

// cell finds the cell of a point that was hashed, but for its others.
func (o *observer) cell(s *signal, m pcommon.Map, e *entry, in *[row]pair, out *hashed, others uint32) {
	var cell int32
	for j := range s.attributes {
		a := &s.attributes[j]
		at := out.at[j&(len(out.at)-1)]
		var d int32
		switch {
		case at < 0:
			d = o.offer(s, j)
		case others&(1<<(at&(row-1))) == 0 && in[at&(row-1)].key == a.key:
			d = a.digitOfShort(out.values[at&(row-1)], in[at&(row-1)].value)
		default: // one of the others, or two keys of one hash
			d = o.seek(s, j, m)
		}
		if d < 0 {
			e.reason = Attribute
			return
		}
		cell += d * a.stride
	}
	e.cell = cell
}

// locateOne is locate for what is not common: many attributes, dictionaries,
// and gauges that need no source.
func (o *observer) locateOne(s *signal, m pcommon.Map, e *entry) {
	e.id, e.cell = o.base, 0
	if s.needsSource {
		e.id = e.id.plus(o.t.hasher.attributes(m, 0))
	}
	var found uint32
	for k, v := range m.All() {
		if j := s.keyIndex(k); j >= 0 && found&(1<<j) == 0 {
			found |= 1 << j
			o.values[j] = v
		}
	}
	if s.dict != nil {
		e.cell, e.reason = o.lookUp(s, found)
		return
	}
	for j := range s.attributes {
		a := &s.attributes[j]
		var d int32
		if found&(1<<j) != 0 {
			d = a.digit(o.values[j])
		} else {
			d = o.offer(s, j)
		}
		if d < 0 {
			e.reason = Attribute
			return
		}
		e.cell += d * a.stride
	}
}

func (s *signal) keyIndex(k string) int {
	for j := range s.attributes {
		if s.attributes[j].key == k {
			return j
		}
	}
	return -1
}

// located is no reason to drop a point.
const located = reasonCount

// seek is the digit of a point for a dense attribute, found by its key's text.
func (o *observer) seek(s *signal, j int, m pcommon.Map) int32 {
	if v, ok := m.Get(s.attributes[j].key); ok {
		return s.attributes[j].digit(v)
	}
	return o.offer(s, j)
}

// offer is the digit that the resource gives to a dense attribute, or its
// otherwise.
func (o *observer) offer(s *signal, j int) int32 {
	if o.offered[j] == notLookedUp {
		a := &s.attributes[j]
		o.offered[j] = a.otherwise
		if v, ok := o.resource.Get(a.key); ok {
			o.offered[j] = a.digit(v)
		}
	}
	return o.offered[j]
}
