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
		if s.needsSource {
			id = id.plus(h.pair(h.text(k), h.value(v)))
		}
		if found == s.all {
			continue
		}
		for j := range s.attributes {
			a := &s.attributes[j]
			if len(a.key) != len(k) || a.key != k || found&(1<<j) != 0 {
				continue
			}
			found |= 1 << j
			if s.dict != nil {
				o.values[j] = v
				break
			}
			d := a.digit(v)
			if d < 0 {
				return 0, id, Attribute
			}
			cell += d * a.stride
			break
		}
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
