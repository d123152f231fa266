package loopback

import (
	"strings"
	"testing"
)

func TestOtherMachinesHaveToSayWhoTheyAre(t *testing.T) {
	for endpoint, ok := range map[string]bool{
		"127.0.0.1:7070": true, "127.9.9.9:1": true, "[::1]:7070": true, "localhost:7070": true,
		"0.0.0.0:7070": false, ":7070": false, "[::]:7070": false, "10.0.0.1:7070": false, "weir.example:7070": false,
		"localhost.evil.example:7070": false,
	} {
		if err := Guard(endpoint, false, ""); (err == nil) != ok {
			t.Errorf("%s: %v", endpoint, err)
		}
		if err := Guard(endpoint, true, ""); err != nil {
			t.Errorf("%s with authentication: %v", endpoint, err)
		}
	}
	if err := Guard("nowhere", true, "127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "such as 127.0.0.1:1") {
		t.Errorf("no address: %v", err)
	}
}
