package table

import "go.opentelemetry.io/collector/pdata/pcommon"

// few is up to how many attributes of a signal are found while hashing.
const few = 4

// place is where a key of the signal and its value were found on a point.
type place struct {
	key   string
	value pcommon.Value
}

// locate finds a point's cell and, if the signal needs it, its source. A
// reason other than located drops the point.
//
// A key's first copy counts; what the point lacks is looked up on the
// resource; what is outside its domain does not fall back to the resource.
func (o *observer) locate(s *signal, attributes pcommon.Map) (int32, hash128, Reason) {
	if s.needsSource && s.dict == nil && len(s.attributes) <= few {
		return o.locateFew(s, attributes)
	}
	id := o.base
	if s.needsSource {
		id = id.plus(o.t.hasher.attributes(attributes, 0))
	}
	var found uint32
	for k, v := range attributes.All() {
		if j := s.keyIndex(k); j >= 0 && found&(1<<j) == 0 {
			found |= 1 << j
			o.values[j] = v
		}
	}
	if s.dict != nil {
		cell, reason := o.lookUp(s, found)
		return cell, id, reason
	}
	var cell int32
	for j := range s.attributes {
		a := &s.attributes[j]
		var d int32
		if found&(1<<j) != 0 {
			d = a.digit(o.values[j])
		} else {
			d = o.offer(s, j)
		}
		if d < 0 {
			return 0, id, Attribute
		}
		cell += d * a.stride
	}
	return cell, id, located
}

// locateFew is locate for the common case, in one pass. The keys are hashed
// for the source and found by their hashes; what is no key of the signal goes
// to a place that nobody reads. Where the keys stand is anyone's guess, and so
// there is none to make. The places are on the stack: a pointer written to
// memory costs dearly while the garbage collector is at work.
func (o *observer) locateFew(s *signal, attributes pcommon.Map) (int32, hash128, Reason) {
	var (
		id     = o.base
		found  uint32
		places [few + 1]place
		h      = &o.t.hasher
		hashes = s.keyHashes
	)
	for k, v := range attributes.All() {
		key, value := h.attribute(k, v)
		id = id.plus(h.pair(key, value))
		j := few
		for i := range hashes {
			if hashes[i] == key {
				j = i
			}
		}
		if found&(1<<j) != 0 {
			j = few
		}
		found |= 1 << j
		places[j] = place{k, v}
	}
	var cell int32
	for j := range s.attributes {
		a, p := &s.attributes[j], &places[j]
		in := found&(1<<j) != 0
		if in && p.key != a.key { // two texts of one hash
			p.value, in = attributes.Get(a.key)
		}
		var d int32
		if in {
			d = a.digit(p.value)
		} else {
			d = o.offer(s, j)
		}
		if d < 0 {
			return 0, id, Attribute
		}
		cell += d * a.stride
	}
	return cell, id, located
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
