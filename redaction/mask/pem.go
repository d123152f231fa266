package mask

import "bytes"

var (
	fiveDashes = []byte("-----")
	endMark    = []byte("-----END")
	endMarkLow = []byte("-----end")
)

// findPEM looks at the -----BEGIN from start to end: if a private key begins
// there, all is taken up to its end line, or to the end of the record when it
// was cut off.
func findPEM(p []byte, start, end int, f *found) {
	if start < f.pemDone {
		return
	}
	at := labelEnd(p, end)
	f.looked += at - end
	if label := p[end:at]; !endsIn(label, "private key") && !endsIn(label, "private key block") {
		return
	}
	if !bytes.HasPrefix(p[at:], fiveDashes) {
		return
	}
	stop := len(p)
	for _, mark := range [][]byte{endMark, endMarkLow} {
		if i := bytes.Index(p[at:stop], mark); i >= 0 {
			stop = at + i
		}
	}
	f.looked += stop - at
	if stop < len(p) {
		stop = labelEnd(p, stop+len(endMark))
		if bytes.HasPrefix(p[stop:], fiveDashes) {
			stop += len(fiveDashes)
		}
	}
	f.pemDone = stop
	f.add(start, stop, PrivateKey)
}

// labelEnd is where a PEM label that begins at i ends: at most 120 letters,
// digits, blanks, underscores and single dashes.
func labelEnd(p []byte, i int) int {
	for end := i + 120; i < len(p) && i < end; i++ {
		if c := p[i]; !is(c, token) && c != ' ' || c == '-' && bytes.HasPrefix(p[i:], fiveDashes) {
			break
		}
	}
	return i
}

// endsIn says that p ends in the lower case text, in any case.
func endsIn(p []byte, text string) bool {
	if len(p) < len(text) {
		return false
	}
	p = p[len(p)-len(text):]
	for i := range p {
		if fold[p[i]] != text[i] {
			return false
		}
	}
	return true
}
