package ledger

import "golang.org/x/mod/sumdb/tlog"

// frontier is the right edge of a growing Merkle tree: the roots of its
// complete subtrees, largest first. It is all that is needed to go on growing.
type frontier struct {
	size  int64
	peaks []tlog.Hash
}

// add appends a leaf and returns the hashes that tlog stores for it, in tlog's
// order: the leaf's, then those of the subtrees that it completes.
func (f *frontier) add(leaf tlog.Hash) []tlog.Hash {
	stored := []tlog.Hash{leaf}
	h := leaf
	for n := f.size; n&1 == 1; n >>= 1 {
		last := len(f.peaks) - 1
		h = tlog.NodeHash(f.peaks[last], h)
		f.peaks = f.peaks[:last]
		stored = append(stored, h)
	}
	f.peaks = append(f.peaks, h)
	f.size++
	return stored
}

// root is tlog.TreeHash of the tree so far.
func (f *frontier) root() tlog.Hash {
	if f.size == 0 {
		return emptyRoot
	}
	h := f.peaks[len(f.peaks)-1]
	for i := len(f.peaks) - 2; i >= 0; i-- {
		h = tlog.NodeHash(f.peaks[i], h)
	}
	return h
}

var emptyRoot = func() tlog.Hash {
	h, _ := tlog.TreeHash(0, nil) // reads nothing
	return h
}()
