package mask

import "bytes"

// findPEM looks at the -----BEGIN from start to end: if a private key begins
// there, all is taken up to its end line, or to the end of the record when it
// was cut off.
func findPEM(p []byte, start, end int, f *found) {
	if start < f.pemDone {
		return
	}
	at := end
	for at < len(p) && at-end < 40 && (is(p[at], capital) || p[at] == ' ') {
		at++
	}
	f.looked += at - end
	label := p[end:at]
	if !bytes.HasSuffix(label, []byte("PRIVATE KEY")) && !bytes.HasSuffix(label, []byte("PRIVATE KEY BLOCK")) {
		return
	}
	if !bytes.HasPrefix(p[at:], []byte("-----")) {
		return
	}
	stop := len(p)
	if i := bytes.Index(p[at:], []byte("-----END")); i >= 0 {
		stop = labelEnd(p, at+i+len("-----END"))
		if bytes.HasPrefix(p[stop:], []byte("-----")) {
			stop += 5
		}
	}
	f.looked += stop - at
	f.pemDone = stop
	f.add(start, stop, PrivateKey)
}

// labelEnd is run over what a PEM label is made of.
func labelEnd(p []byte, i int) int {
	for i < len(p) && (is(p[i], capital) || p[i] == ' ') {
		i++
	}
	return i
}
