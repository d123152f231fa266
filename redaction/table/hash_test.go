package table

import (
	"bytes"
	"fmt"
	"testing"
)

// The hash reads texts by words that overlap, other ones for each length: no
// byte may be missed, and no length taken for another.
func TestEveryByteAndTheLengthOfATextCount(t *testing.T) {
	h := newHasher()
	seen := map[uint64]string{}
	note := func(text, what string) {
		sum, same := h.texts(text, text)
		if sum != same || sum != h.text(text) {
			t.Fatalf("%s: hashed as a key and as a value it differs", what)
		}
		if other, ok := seen[sum]; ok {
			t.Fatalf("%s has the hash of %s", what, other)
		}
		seen[sum] = what
	}
	for n := range 100 {
		text := bytes.Repeat([]byte{'a'}, n)
		note(string(text), fmt.Sprintf("%d bytes", n))
		for i := range n {
			for bit := range 8 {
				text[i] ^= 1 << bit
				note(string(text), fmt.Sprintf("%d bytes, bit %d of byte %d flipped", n, bit, i))
				text[i] ^= 1 << bit
			}
		}
	}
}
