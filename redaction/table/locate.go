package table

import "go.opentelemetry.io/collector/pdata/pcommon"

// locate finds a point's cell and, if the signal needs it, its source, in one
// pass over its attributes. A reason other than located drops the point.
//
// A key's first copy counts; what the point lacks is looked up on the
// resource; what is outside its domain does not fall back to the resource.
func (o *observer) locate(s *signal, attributes pcommon.Map) (int32, hash128, Reason) {
	var (
		id    = o.base
		cell  int32
		found uint32
		h     = &o.t.hasher
	)
	for k, v := range attributes.All() {
		j := -1
		if s.needsSource {
			// The key is hashed for the source; comparing hashes finds it among
			// the signal's keys without another look at its bytes.
			keyHash := h.text(k)
			id = id.plus(h.pair(keyHash, h.value(v)))
			for i, want := range s.keyHashes {
				if want == keyHash {
					j = i
				}
			}
			if j < 0 || s.attributes[j].key != k {
				continue
			}
		} else if j = s.keyIndex(k); j < 0 {
			continue
		}
		if found&(1<<j) != 0 {
			continue
		}
		found |= 1 << j
		if s.dict != nil {
			o.values[j] = v
			continue
		}
		a := &s.attributes[j]
		d := a.digit(v)
		if d < 0 {
			return 0, id, Attribute
		}
		cell += d * a.stride
	}
	if s.dict != nil {
		cell, reason := o.lookUp(s, found)
		return cell, id, reason
	}
	for j := range s.attributes {
		if found&(1<<j) != 0 {
			continue
		}
		d := o.offer(s, j)
		if d < 0 {
			return 0, id, Attribute
		}
		cell += d * s.attributes[j].stride
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
