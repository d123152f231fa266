package mask_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/weir-telemetry/weir/redaction/mask"
)

// patterns are what would be worst for a scan that looks far around.
var patterns = []string{
	"a", "1", "1.", "1:", "a:", "a@", "@", "a.", "eyJ", "eyJaaaaaaaa.", "password=", `password="`, `password=\"`, `{"password":[`, "token: ", "password ",
	"bearer a", "bearer  ", "basic QUFB", "-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "-----END", "a://", "a://b:c", "://", "4111 1111 1111 ", "1234 ",
	"AKIA", "sk-", "xoxb-", "eyJrIjoi", "3Q~", "hooks.slack.com/", "sntrys_", "AB12", "DE89 ", "A 1", "123-45-", "password>", `\"`, "'", "\\", "<hidden>", "::", ".atlasv1.", "4111111111111111", "a@b.example ",
	"fm1", "ABSKQ", "t1.", "password={[", "\x80", "pwd",
}

const tenMB = 10 << 20

// The bytes that are looked at beside the scan are at most so many for each
// byte of the line, whatever is in it and however long it is.
const looksPerByte = 24

func TestTheWorkIsLinearInTheLengthOfALine(t *testing.T) {
	m := masker(t, mask.Options{Keys: []string{"name"}})
	for _, p := range patterns {
		for _, size := range []int{1 << 10, 1 << 20} {
			line := bytes.Repeat([]byte(p), size/len(p))
			if looked := m.Looked(line); looked > looksPerByte*len(line) {
				t.Errorf("%q: looked at %d bytes of %d", p, looked, len(line))
				break
			}
		}
	}
}

// ns is the least time for a byte of several turns.
func ns(m *mask.Masker, line []byte, turns int) float64 {
	least := time.Duration(1 << 62)
	var dst []byte
	for range 3 {
		start := time.Now()
		for range turns {
			dst = m.Append(dst[:0], line)
		}
		least = min(least, time.Since(start))
	}
	return float64(least.Nanoseconds()) / float64(turns*len(line))
}

func TestALineOf10MBIsNoSlowerPerByte(t *testing.T) {
	m := masker(t, mask.Options{})
	for _, p := range []string{"a", "x1y2.z-", "1.", "eyJ", "password=", "a@", "4111 ", "4111111111111111."} {
		short := bytes.Repeat([]byte(p), 10<<10/len(p))
		long := bytes.Repeat([]byte(p), tenMB/len(p))
		a, b := ns(m, short, 20), ns(m, long, 1)
		if b > 3*a+2 {
			t.Errorf("%q: %.2f ns a byte in 10 kB, %.2f in 10 MB", p, a, b)
		}
	}
}

// In this line each card is a fraction's digits until the one before is masked.
func TestALineThatUncoversOneThingAtATimeIsCutShort(t *testing.T) {
	m := masker(t, mask.Options{})
	in := strings.TrimSuffix(strings.Repeat("4111111111111111.", 10), ".")
	want := strings.Repeat("<card>.", 4) + "<hidden>"
	if got := string(m.Append(nil, []byte(in))); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
