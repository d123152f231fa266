package logstore

import "slices"

// sight is what a needle may find behind a place: its tails where the place's
// value ends, and whether all of it.
type sight struct {
	tails uint64
	found bool
}

// want decides which rows of a shape may hold all needles, before any of its
// lines is put together; d stands at the shape's columns. It returns false if
// there are none. Dictionaries decide: of other columns it looks only at what
// their kind allows.
func (u *unshaper) want(d decoder, sh *rowShape, needles []*needle) bool {
	u.decides = append(u.decides[:0], make([]bool, sh.places)...)
	u.denied = slices.Grow(u.denied[:0], len(u.dict))[:len(u.dict)]
	for _, k := range u.kinds[sh.kinds : sh.kinds+sh.places] {
		if k.kind == columnDictionary {
			clear(u.denied[k.dict : k.dict+k.size])
		}
	}
	for _, n := range needles {
		if !u.deny(sh, n) {
			return false
		}
	}
	from := len(u.wanted)
	for i, k := range u.kinds[sh.kinds : sh.kinds+sh.places] {
		if !u.decides[i] {
			d.skipColumn(k)
			continue
		}
		u.numbers, u.part = d.planeParts(u.numbers, u.part, sh.rows, nil, k.planes)
		if d.err != nil {
			return true // whoever decodes the column finds it too
		}
		if sh.wanted == nil {
			for row := range sh.rows {
				u.wanted = append(u.wanted, uint32(row))
			}
			sh.wanted = u.wanted[from:]
		}
		denied := u.denied[k.dict : k.dict+k.size]
		sh.wanted = slices.DeleteFunc(sh.wanted, func(row uint32) bool {
			word := u.numbers[row]
			return word < uint64(len(denied)) && denied[word]
		})
		u.wanted = u.wanted[:from+len(sh.wanted)]
		if len(sh.wanted) == 0 {
			return false
		}
	}
	return true
}

// deny marks the words with which no line of the shape holds the needle, and
// the places that have such words. It returns false if no line holds it.
func (u *unshaper) deny(sh *rowShape, n *needle) bool {
	texts := u.refs[sh.texts : sh.texts+sh.places+1]
	kinds := u.kinds[sh.kinds : sh.kinds+sh.places]
	u.sights = slices.Grow(u.sights[:0], sh.places)[:sh.places]
	var s sight
	for i := sh.places; i > 0; i-- {
		tails, found := n.before(s.tails, u.text(texts[i]))
		s = sight{tails, s.found || found}
		u.sights[i-1] = s
		tails, found = u.beforeValue(n, s.tails, kinds[i-1])
		s = sight{tails, s.found || found}
	}
	heads, found := n.after(0, u.text(texts[0]))
	for i, k := range kinds {
		s := u.sights[i]
		if k.kind != columnDictionary {
			var within bool
			heads, within = n.afterAny(heads, k.kind)
			found = found || within
		} else {
			elsewhere := found || s.found
			var all uint64
			for w := k.dict; w < k.dict+k.size; w++ {
				h, within := n.after(heads, u.text(u.dict[w]))
				all |= h
				found = found || within
				if !elsewhere && !within && h<<1&s.tails == 0 {
					u.denied[w], u.decides[i] = true, true
				}
			}
			heads = all
		}
		h, within := n.after(heads, u.text(texts[i+1]))
		heads, found = h, found || within
	}
	return found
}

// beforeValue takes tails back over all values that a place may have.
func (u *unshaper) beforeValue(n *needle, tails uint64, k columnKind) (all uint64, found bool) {
	if k.kind != columnDictionary {
		return n.beforeAny(tails, k.kind)
	}
	for _, word := range u.dict[k.dict : k.dict+k.size] {
		t, within := n.before(tails, u.text(word))
		all |= t
		found = found || within
	}
	return all, found
}

func (u *unshaper) text(s span) []byte { return u.arena[s.at : s.at+s.size] }

// skipColumn passes over a column's parts.
func (d *decoder) skipColumn(k columnKind) {
	parts := int(k.planes)
	switch k.kind {
	case columnPlain:
		parts++
	case columnHex:
		parts = 1
	}
	for range parts {
		size, packed := d.uvarint(), d.uvarint()
		if packed == 0 {
			packed = size
		}
		d.take(packed)
	}
}
