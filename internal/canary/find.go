package canary

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// Forms are the mark in every form in which it could be written without
// compression. The ids are searched as bytes, hex and base64.
func Forms() map[string][]byte {
	forms := map[string][]byte{
		"raw":       []byte(Mark),
		"upper":     []byte(strings.ToUpper(Mark)),
		"hex":       []byte(hex.EncodeToString([]byte(Mark))),
		"upper hex": []byte(strings.ToUpper(hex.EncodeToString([]byte(Mark)))),
		"span id":   []byte(hex.EncodeToString(SpanID[:])),
		"span id b": SpanID[:],
	}
	for shift := range 3 {
		b := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), Mark...))
		first, last := (8*shift+5)/6, 8*(shift+len(Mark))/6
		forms["base64 shifted by "+string(rune('0'+shift))] = []byte(b[first:last])
	}
	return forms
}

// Find is the form and the place of the first canary in data; the place is -1 if
// there is none.
func Find(data []byte) (form string, at int) {
	for form, m := range Forms() {
		if at := bytes.Index(data, m); at >= 0 {
			return form, at
		}
	}
	return "", -1
}
