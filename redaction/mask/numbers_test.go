package mask

import (
	"math/rand/v2"
	"testing"
)

// One byte at a time is the referee of eight and of sixteen.
func TestTheMarksAreThoseOfEachByte(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		p := make([]byte, 1+r.IntN(200))
		for i := range p {
			p[i] = byte(r.IntN(256))
			if r.IntN(2) == 0 {
				p[i] = "0123456789./:;-"[r.IntN(15)]
			}
		}
		i := r.IntN(len(p))
		var want marks
		for k := i; k < min(i+64, len(p)); k++ {
			bit := uint64(1) << (k - i)
			switch c := p[k]; {
			case c >= '0' && c <= '9':
				want.digit |= bit
			case c == '.':
				want.dot |= bit
			case c == ':':
				want.colon |= bit
			}
		}
		if got := marksOf(p, i); got != want {
			t.Fatalf("%d of %q: %x instead of %x", i, p, got, want)
		}
		if got := plainMarks(p, i); got != want {
			t.Fatalf("plain: %d of %q: %x instead of %x", i, p, got, want)
		}
	}
}
