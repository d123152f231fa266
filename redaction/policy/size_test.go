package policy

import "testing"

// A bound that is said in larger units is still a bound, and not twice as much.
func TestSizesAreRoundedUpAndNotFar(t *testing.T) {
	for bits, want := range map[float64]string{
		0: "0 bytes", 1: "1 bytes", 8: "1 bytes", 7992: "999 bytes", 7993: "1 KB", 8000: "1 KB", 8001: "1.1 KB",
		10_206_360: "1.3 MB", 79_999_999: "10 MB", 80_000_001: "11 MB", 7_992_000_000: "999 MB", 8e12: "1,000 GB",
	} {
		if got := size(bits); got != want {
			t.Errorf("%v bits are %s, want %s", bits, got, want)
		}
	}
}
