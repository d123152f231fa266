package gateprocessor

import (
	"cmp"
	"slices"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// maxRevisions bounds how many revisions of one product are met with each other:
// the newest ones, about a release a fortnight for two years. Their number
// squared is what has to be worked out once, a millisecond or so each.
const maxRevisions = 48

type (
	parents [2]*policy.Policy
	pair    [2]policy.Digest
)

// meetsOf finds what an edge runs under while a revision waits for the
// customer: the meet of the one accepted and the one that waits, either of
// which may be the newer. Its digest follows from the two files, so that no edge
// needs to be believed. Two policies that do not meet let nothing out together.
//
// Pairs that were met before are not met again; their digests are kept for as
// long as both files are there.
func (r *revisions) meetsOf(files map[policy.Digest]*policy.Policy) map[policy.Digest]parents {
	type product struct{ vendor, name string }
	products := map[product][]*policy.Policy{}
	for _, p := range files {
		k := product{p.Vendor, p.Product}
		products[k] = append(products[k], p)
	}
	all := map[policy.Digest]parents{}
	pairs := map[pair]policy.Digest{}
	for _, list := range products {
		slices.SortFunc(list, func(a, b *policy.Policy) int {
			return cmp.Or(b.Revision-a.Revision, slices.Compare(a.Digest[:], b.Digest[:]))
		})
		list = list[:min(len(list), maxRevisions)]
		for _, old := range list {
			for _, next := range list {
				if old == next {
					continue
				}
				k := pair{old.Digest, next.Digest}
				d, before := r.pairs[k]
				if !before {
					if m, err := policy.Meet(old, next); err == nil {
						d = m.Digest
					}
				}
				pairs[k] = d
				if _, isFile := files[d]; !isFile && d != (policy.Digest{}) {
					all[d] = parents{old, next}
				}
			}
		}
	}
	r.pairs = pairs
	return all
}
