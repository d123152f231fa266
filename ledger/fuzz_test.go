package ledger_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

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
