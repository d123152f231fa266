package configuration

import (
	"net/url"
	"regexp"
)

// secret are the keys whose values nobody should read over a shoulder. It
// hides too much rather than too little.
var secret = regexp.MustCompile(`(?i)pass|secret|token|credential|auth|api_?key|private|_pem$|^key$|headers|inline|cookie`)

const hiddenText = "(hidden)"

// Hide is a copy of a configuration without what looks like a secret: the
// values of keys that sound like one, and passwords in URLs.
func Hide(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			if secret.MatchString(k) {
				out[k] = allHidden(e)
				continue
			}
			out[k] = Hide(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = Hide(e)
		}
		return out
	case string:
		if u, err := url.Parse(v); err == nil && u.User != nil {
			u.User = url.User("hidden")
			return u.String()
		}
		return v
	default:
		return v
	}
}

// allHidden hides every text under a key that sounds like a secret. A number or
// a yes and no is no secret, and an empty value hides nothing.
func allHidden(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = allHidden(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = allHidden(e)
		}
		return out
	case string:
		if v == "" {
			return v
		}
		return hiddenText
	default:
		return v
	}
}
