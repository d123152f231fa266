package canary

import (
	"encoding/base64"
	"encoding/hex"
	"testing"
)

func TestTheSearchFindsWhatItLooksFor(t *testing.T) {
	for _, prefix := range []string{"", "a", "ab", "abc"} {
		plain := []byte(prefix + Mark + "tail")
		for name, data := range map[string][]byte{
			"raw":    plain,
			"hex":    []byte(hex.EncodeToString(plain)),
			"base64": []byte(base64.StdEncoding.EncodeToString(plain)),
		} {
			if _, at := Find(data); at < 0 {
				t.Errorf("the mark after %q is not found as %s", prefix, name)
			}
		}
	}
}

func TestTheSearchFindsNothingElse(t *testing.T) {
	if form, at := Find([]byte("weir weircanary 7c1e")); at >= 0 {
		t.Errorf("found %s at %d", form, at)
	}
}
