package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

// marks are the mark in every form in which it could be written without
// compression. The ids are searched as bytes, hex and base64.
func marks() map[string][]byte {
	forms := map[string][]byte{
		"raw":       []byte(mark),
		"upper":     []byte(strings.ToUpper(mark)),
		"hex":       []byte(hex.EncodeToString([]byte(mark))),
		"upper hex": []byte(strings.ToUpper(hex.EncodeToString([]byte(mark)))),
		"span id":   []byte(hex.EncodeToString(spanID[:])),
		"span id b": spanID[:],
	}
	for shift := range 3 {
		b := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), mark...))
		first, last := (8*shift+5)/6, 8*(shift+len(mark))/6
		forms["base64 shifted by "+string(rune('0'+shift))] = []byte(b[first:last])
	}
	return forms
}

// wantNoCanary fails if data holds the mark in any form, and shows where.
func wantNoCanary(t *testing.T, what string, data []byte) {
	t.Helper()
	for form, m := range marks() {
		if at := bytes.Index(data, m); at >= 0 {
			t.Errorf("%s holds a canary (%s) at byte %d: %q", what, form, at, data[max(0, at-40):min(len(data), at+60)])
		}
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

func TestTheSearchFindsWhatItLooksFor(t *testing.T) {
	for _, prefix := range []string{"", "a", "ab", "abc"} {
		plain := []byte(prefix + mark + "tail")
		for name, data := range map[string][]byte{
			"raw":    plain,
			"hex":    []byte(hex.EncodeToString(plain)),
			"base64": []byte(base64.StdEncoding.EncodeToString(plain)),
		} {
			found := false
			for _, m := range marks() {
				found = found || bytes.Contains(data, m)
			}
			if !found {
				t.Errorf("the mark after %q is not found as %s", prefix, name)
			}
		}
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
