package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/weir-telemetry/weir/internal/canary"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

// mark, slot and the ids are the canaries of the tests.
const mark = canary.Mark

var traceID, spanID = canary.TraceID, canary.SpanID

func slot(name string) string { return canary.Slot(name) }

// wantNoCanary fails if data holds the mark in any form, and shows where.
func wantNoCanary(t *testing.T, what string, data []byte) {
	t.Helper()
	if form, at := canary.Find(data); at >= 0 {
		t.Errorf("%s holds a canary (%s) at byte %d: %q", what, form, at, data[max(0, at-40):min(len(data), at+60)])
	}
}

// wantNoCanaryIn looks into every file below dir.
func wantNoCanaryIn(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		wantNoCanary(t, filepath.Base(path), data)
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("looked at %d files: %v", files, err)
	}
}

// ledgerBodies are the exact bytes of every report in the ledger, in order.
func ledgerBodies(t *testing.T, dir string) [][]byte {
	t.Helper()
	r, err := ledger.NewReader(vfs.OS, dir, -1)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	if err := r.Read(func(rec ledger.Record) error {
		if rec.Kind == ledger.KindReport {
			out = append(out, bytes.Clone(rec.Body))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}
