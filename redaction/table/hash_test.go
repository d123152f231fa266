package table

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// eachHash runs a test with the hash that any processor can make, and with the
// fast one where there is one.
func eachHash(t *testing.T, test func(t *testing.T)) {
	was := hasAES
	defer func() { hasAES = was }()
	for _, fast := range []bool{false, true} {
		if fast && !was {
			t.Log("this processor has only the plain hash")
			continue
		}
		hasAES = fast
		t.Run(map[bool]string{false: "plain", true: "fast"}[fast], test)
	}
}

// The hash reads texts by words that overlap, other ones for each length, or by
// blocks under a mask: no byte may be missed, and no length taken for another.
func TestEveryByteAndTheLengthOfATextCount(t *testing.T) {
	h := newHasher()
	everyByteCounts(t, 100, func(text string) [2]uint64 {
		a, b := h.couple(text, text)
		return [2]uint64{a, b}
	})
	eachHash(t, func(t *testing.T) {
		h := newHasher()
		everyByteCounts(t, longestShort+1, func(text string) [2]uint64 {
			var alone [1]uint64
			h.texts([]string{text}, alone[:])
			var both hashed
			h.pairs([]pair{{text, text}}, &wanted{3: alone[0]}, &both)
			if want := (hashed{at: nowhere}).at; both.at[3] != 0 || both.at[0] != want[0] {
				t.Fatalf("hashed as a key it differs: found at %v", both.at)
			}
			return [2]uint64{alone[0], both.values[0]}
		})
	})
}

func everyByteCounts(t *testing.T, lengths int, hash func(text string) [2]uint64) {
	t.Helper()
	seen := map[uint64]string{}
	note := func(text, what string) {
		sums := hash(text)
		if sums[0] != sums[1] {
			t.Fatalf("%s: two ways to hash it differ", what)
		}
		if other, ok := seen[sums[0]]; ok {
			t.Fatalf("%s has the hash of %s", what, other)
		}
		seen[sums[0]] = what
	}
	for n := range lengths {
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

// A sum of pairs does not depend on their order, and does on which value
// belongs to which key, on copies, and on every pair.
func TestPairsCountWhateverTheirOrder(t *testing.T) {
	eachHash(t, func(t *testing.T) {
		h := newHasher()
		sum := func(in ...pair) hash128 { return h.pairs(in, &wanted{}, &hashed{}) }
		a, b, c := pair{"service.name", "api"}, pair{"http.response.status_class", "2xx"}, pair{"user.id", "u"}
		if sum(a, b, c) != sum(c, a, b) {
			t.Error("the order counts")
		}
		seen := map[hash128]int{}
		for i, other := range [][]pair{
			{}, {a}, {b}, {a, b}, {a, b, c}, {a, a, b}, {a, b, b}, {a, a, b, b}, {{a.value, a.key}}, {{a.value, a.key}, b},
			{{a.key, b.value}, {b.key, a.value}}, {{a.key, a.key}}, {{a.value, a.value}}, {{a.key, ""}}, {{"", a.key}}, {{"", ""}},
		} {
			if j, ok := seen[sum(other...)]; ok {
				t.Errorf("rows %d and %d have one sum", i, j)
			}
			seen[sum(other...)] = i
		}
	})
}

// What a text lies next to in memory is no part of its hash.
func TestBytesAroundATextDoNotCount(t *testing.T) {
	eachHash(t, func(t *testing.T) {
		h := newHasher()
		for n := range longestShort + 1 {
			text := strings.Repeat("a", n)
			for _, around := range []string{"", "b", strings.Repeat("b", 64)} {
				if in := (around + text + around)[len(around):][:n]; h.short(in) != h.short(text) {
					t.Fatalf("%d bytes have another hash among others", n)
				}
			}
		}
	})
}

// A wanted key is where its first copy stands.
func TestAWantedKeyIsWhereItsFirstCopyStands(t *testing.T) {
	eachHash(t, func(t *testing.T) {
		h := newHasher()
		keys := []string{"a", "c", "c", "b", "b", "a", "d"}
		var in []pair
		for i, k := range keys {
			in = append(in, pair{k, strings.Repeat("v", i+1)})
		}
		var out hashed
		h.pairs(in, &wanted{h.short("c"), h.short("b"), h.short("x"), h.short("a")}, &out)
		if want := [4]int64{1, 3, -1, 0}; out.at != want {
			t.Errorf("at %v, want %v", out.at, want)
		}
		for i := range in {
			if out.values[i] != h.short(in[i].value) {
				t.Errorf("the value at %d has another hash in a row than alone", i)
			}
		}
		if h.pairs(nil, &wanted{}, &out); out.at != nowhere {
			t.Errorf("in no pairs something is found: %v", out.at)
		}
	})
}
