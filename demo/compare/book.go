package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/weir-telemetry/weir/demo/canary"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

// book is the ledger's word on what left: it holds the exact bytes.
type book struct {
	reports      int64
	bytes        int64
	first, last  time.Time
	destinations []string
	leaked       []string // canaries in the bytes
	faults       []*ledger.Fault
	root         string
}

// readBook reads and verifies the ledger in the edge's data folder, while the
// edge goes on writing it.
func readBook(data string) (book, error) {
	fsys, dir := vfs.OS, filepath.Join(data, "ledger")
	var b book
	reader, err := ledger.NewReader(fsys, dir, -1)
	if err != nil {
		return b, fmt.Errorf("read the ledger: %w", err)
	}
	seen := map[string]bool{}
	err = reader.Read(func(r ledger.Record) error {
		if r.Kind != ledger.KindReport {
			return nil
		}
		if b.reports == 0 {
			b.first = r.Time
		}
		b.last = r.Time
		b.reports++
		b.bytes += int64(len(r.Body))
		b.leaked = append(b.leaked, canary.Find(r.Body)...)
		if !seen[r.Destination] {
			seen[r.Destination] = true
			b.destinations = append(b.destinations, r.Destination)
		}
		return nil
	})
	if err != nil {
		return b, fmt.Errorf("read the ledger: %w", err)
	}
	v, err := ledger.Verify(fsys, dir, nil)
	if err != nil {
		return b, fmt.Errorf("verify the ledger: %w", err)
	}
	b.faults, b.root = v.Faults, v.Root
	return b, nil
}

// rows puts the book in words.
func (b book) rows() []row {
	if b.reports == 0 {
		return []row{{"ledger", "no report has left"}}
	}
	each := fmt.Sprintf("%s bytes a report, reports so far: %s", number(float64(b.bytes)/float64(b.reports)), number(float64(b.reports)))
	if n := b.reports - 1; n > 0 {
		each += fmt.Sprintf(", one every %.0f s", b.last.Sub(b.first).Seconds()/float64(n))
	}
	word := "verified, root " + b.root
	if len(b.faults) > 0 {
		word = fmt.Sprintf("NOT in order: %v", b.faults[0])
	}
	return []row{
		{"left", each},
		{"went to", strings.Join(b.destinations, ", ") + ", and nowhere else"},
		{"ledger", word},
	}
}
