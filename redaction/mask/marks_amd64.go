package mask

// marks64 is plainMarks of 64 bytes, with SSE2, which every amd64 has.
//
//go:noescape
func marks64(p *byte) (k marks)

// marksOf looks at the 64 bytes from i on, or at what is left of p.
func marksOf(p []byte, i int) marks {
	if i+64 <= len(p) {
		return marks64(&p[i])
	}
	if len(p) >= 64 { // the last 64, of which the first are known already
		k := marks64(&p[len(p)-64])
		down := uint(i+64-len(p)) & 63
		return marks{k.digit >> down, k.dot >> down, k.colon >> down}
	}
	return plainMarks(p, i)
}
