package canary

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"testing"
)

func TestFindsACanaryInEveryFormAndAlignment(t *testing.T) {
	for _, c := range All() {
		for _, prefix := range []string{"", "x", "xy", "xyz"} {
			plain := []byte(prefix + c + "tail")
			for form, data := range map[string][]byte{
				"raw":        plain,
				"hex":        []byte(hex.EncodeToString(plain)),
				"base64":     []byte(base64.StdEncoding.EncodeToString(plain)),
				"base64 url": []byte(base64.URLEncoding.EncodeToString(plain)),
				"query":      []byte(url.QueryEscape(string(plain))),
				"path":       []byte(url.PathEscape(string(plain))),
			} {
				if !slices.Contains(Find(data), c) {
					t.Errorf("%q after %q not found as %s", c, prefix, form)
				}
			}
		}
	}
}

func TestFindsNothingInInnocentData(t *testing.T) {
	if found := Find([]byte(`{"service.name":"frontend","http.response.status_code":500}`)); found != nil {
		t.Errorf("found %q", found)
	}
}
