package ledger

import "golang.org/x/mod/sumdb/tlog"

// Leaf is the record's leaf in the tree, for checking a proof.
func Leaf(r Record) tlog.Hash { return leafOf(&r) }

func leafOf(r *Record) tlog.Hash { return tlog.RecordHash(appendHeader(nil, r)) }

// ProveRecord proves that record index is in the tree of the first size
// records. tlog.CheckRecord checks it against that tree's root.
func (l *Ledger) ProveRecord(size, index int64) (tlog.RecordProof, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return tlog.ProveRecord(size, index, l.hashes)
}

// ProveTree proves that the tree of the first size records begins with that of
// the first old. tlog.CheckTree checks it against the two roots.
func (l *Ledger) ProveTree(size, old int64) (tlog.TreeProof, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return tlog.ProveTree(size, old, l.hashes)
}

// Tree is the current size and root, which need not have been signed yet.
func (l *Ledger) Tree() tlog.Tree {
	l.mu.Lock()
	defer l.mu.Unlock()
	return tlog.Tree{N: l.tree.size, Hash: l.tree.root()}
}
