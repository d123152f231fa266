package logstore

// needle is a text that wanted lines hold, made ready for finding out which
// lines of a shape may hold it while they are still in pieces.
//
// It works on sets of positions in the needle, a bit each (Shift-And). A set of
// heads has bit i if what was read may end with the needle's first i+1 bytes, a
// set of tails has bit i if what follows may begin with the needle from byte i on.
// What may stand at a place is the union over its values, so the answer is never
// no for a line that holds the needle.
type needle struct {
	at      [256]uint64 // where each byte stands
	classes [columnNumber + 1]uint64
	whole   uint64 // the last position
}

// maxNeedle is how much of a needle is looked for.
const maxNeedle = 64

func newNeedle(text []byte) *needle {
	text = text[:min(len(text), maxNeedle)]
	n := &needle{whole: 1 << (len(text) - 1)}
	for i, c := range text {
		bit := uint64(1) << i
		n.at[c] |= bit
		if isDigit(c) || c >= 0x40 { // as all words
			n.classes[columnPlain] |= bit
		}
		if isDigit(c) {
			n.classes[columnNumber] |= bit
		}
		if isDigit(c) || c >= 'a' && c <= 'f' {
			n.classes[columnHex] |= bit
		}
	}
	return n
}

func needlesOf(texts [][]byte) []*needle {
	out := make([]*needle, len(texts))
	for i, t := range texts {
		out[i] = newNeedle(t)
	}
	return out
}

// after takes heads over a text. found says that the needle ends in it.
func (n *needle) after(heads uint64, text []byte) (_ uint64, found bool) {
	var all uint64
	for _, c := range text {
		heads = (heads<<1 | 1) & n.at[c]
		all |= heads
	}
	return heads, all&n.whole != 0
}

// before takes tails back over a text. found says that the needle begins in it.
func (n *needle) before(tails uint64, text []byte) (_ uint64, found bool) {
	var all uint64
	for i := len(text) - 1; i >= 0; i-- {
		tails = (tails>>1 | n.whole) & n.at[text[i]]
		all |= tails
	}
	return tails, all&1 != 0
}

// afterAny and beforeAny go over any number of bytes that a column of a kind
// may have.
func (n *needle) afterAny(heads uint64, kind byte) (_ uint64, found bool) {
	for more := heads; ; heads = more {
		if more |= (heads<<1 | 1) & n.classes[kind]; more == heads {
			return heads, heads&n.whole != 0
		}
	}
}

func (n *needle) beforeAny(tails uint64, kind byte) (_ uint64, found bool) {
	for more := tails; ; tails = more {
		if more |= (tails>>1 | n.whole) & n.classes[kind]; more == tails {
			return tails, tails&1 != 0
		}
	}
}
