//go:build !race

// The race detector drops what sync.Pool holds at random, so under it what is
// pooled allocates now and then.

package mask_test

import (
	"strings"
	"testing"

	"github.com/weir-telemetry/weir/redaction/mask"
)

func TestMaskingAllocatesNothing(t *testing.T) {
	m := masker(t, mask.Options{})
	dst := make([]byte, 0, 1<<16)
	clean := []byte(strings.Repeat("an ordinary line with user_id=42 and took=17ms ", 6))
	one := []byte("login of bob@example.com from 10.0.0.1 password=hunter2")
	many := []byte(strings.Repeat("10.0.0.1 bob@example.com ", 100))
	for _, line := range [][]byte{clean, one, many} {
		m.Append(dst, line) // warm
		if n := testing.AllocsPerRun(200, func() { m.Append(dst, line) }); n > 0.5 {
			t.Errorf("%v allocations for %.40q", n, line)
		}
	}
	if n := testing.AllocsPerRun(200, func() { m.Clean(clean) }); n != 0 {
		t.Errorf("Clean allocates %v", n)
	}
}
