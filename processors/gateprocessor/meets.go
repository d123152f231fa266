package gateprocessor

import (
	"cmp"
	"slices"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// maxRevisions bounds how many revisions of one product are met with each other:
// the newest ones. Their number squared is what the start computes.
const maxRevisions = 24

// withMeets adds what an edge runs under while a revision waits for the
// customer: the meet of the one accepted and the one that waits, either of
// which may be the newer. Its digest follows from the two files, so that no edge needs to
// be believed. Two policies that do not meet let nothing out together.
func withMeets(files map[policy.Digest]*policy.Policy) map[policy.Digest]*policy.Policy {
	all := make(map[policy.Digest]*policy.Policy, len(files))
	type product struct{ vendor, name string }
	products := map[product][]*policy.Policy{}
	for d, p := range files {
		all[d] = p
		k := product{p.Vendor, p.Product}
		products[k] = append(products[k], p)
	}
	for _, revisions := range products {
		slices.SortFunc(revisions, func(a, b *policy.Policy) int {
			return cmp.Or(b.Revision-a.Revision, slices.Compare(a.Digest[:], b.Digest[:]))
		})
		revisions = revisions[:min(len(revisions), maxRevisions)]
		for _, old := range revisions {
			for _, next := range revisions {
				if old == next {
					continue
				}
				m, err := policy.Meet(old, next)
				if err != nil {
					continue
				}
				if _, known := all[m.Digest]; !known {
					all[m.Digest] = m
				}
			}
		}
	}
	return all
}
