package ledger_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

func sortStrings(s []string) { slices.Sort(s) }

// FuzzFrames: whatever the bytes, the reader ends with a reason, and what it
// took encodes to exactly what it read. There is one spelling of a record.
func FuzzFrames(f *testing.F) {
	var b []byte
	for _, r := range history(5) {
		b = ledger.AppendFrame(b, r)
		f.Add(bytes.Clone(b))
		f.Add(b[:len(b)-3])
		f.Add(append(bytes.Clone(b), make([]byte, 40)...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		records, encoded, end, err := ledger.ReadFrames(b)
		if err == nil || !bytes.Equal(encoded, b[:end]) {
			t.Fatalf("%d records, %d bytes, error %v", len(records), end, err)
		}
		if errors.Is(err, io.EOF) != (end == int64(len(b))) {
			t.Fatalf("ended at %d of %d with %v", end, len(b), err)
		}
	})
}

// FuzzSegment: a segment whatever its bytes is refused or read to its end, and
// what was read of a packed one packs to something that reads the same.
func FuzzSegment(f *testing.F) {
	m := vfs.NewMem()
	l, err := ledger.Open(m, dir, aging(0))
	if err != nil {
		f.Fatal(err)
	}
	if _, err := live(l, 60); err != nil {
		f.Fatal(err)
	}
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	list, err := m.ReadDir(dir)
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range list {
		if strings.HasSuffix(e.Name(), ".seg") {
			b, err := vfs.ReadFile(m, filepath.Join(dir, e.Name()))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, plain, encoding := ledger.Unpack(b)
		if n == 0 {
			return
		}
		records, _, end, err := ledger.ReadFramesOf(plain[n:], encoding)
		if err == nil || end > int64(len(plain)-n) {
			t.Fatalf("%d records, ended at %d with %v", len(records), end, err)
		}
		if encoding == 0 {
			return
		}
		again, same, _ := ledger.Unpack(ledger.Repack(n, plain, encoding))
		if again != n || !bytes.Equal(same, plain) {
			t.Fatal("packed again it is another")
		}
	})
}
