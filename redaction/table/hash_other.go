//go:build !amd64

package table

var hasAES bool // never set: there is only the plain hash

func (h *hasher) pairs(in []pair, want *wanted, out *hashed) hash128 {
	return h.plainPairs(in, want, out)
}

func (h *hasher) texts(in []string, out []uint64) { h.plainTexts(in, out) }
