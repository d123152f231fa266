//go:build linux

package main

import (
	"slices"

	"github.com/weir-telemetry/weir/redaction/mask"
)

// patterns are one or some for each family as one would write them for contrib,
// which has nothing but regular expressions: no check digits, so that shapes are
// a little narrower than the referee's to leave ordinary numbers alone. The
// corpus has nothing that lies between.
var patterns = map[mask.Family][]string{
	mask.Mail:       {`[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`},
	mask.Card:       {`\b[2-6][0-9]{12,18}\b`, `\b[2-6][0-9]{3}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{4}\b`, `\b3[47][0-9]{2}[ -][0-9]{6}[ -][0-9]{5}\b`},
	mask.IP:         {`\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b`, `(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|(?:[0-9A-Fa-f]{1,4}:){1,6}:[0-9A-Fa-f]{1,4}`},
	mask.JWT:        {`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`},
	mask.Credential: {`(?i)bearer +[A-Za-z0-9._~+/-]{16,}=*`, `(?i)basic +[A-Za-z0-9+/]{16,}=*`},
	mask.IBAN:       {`\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b`},
	mask.NationalID: {`\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b`, `\b[A-Z]{2}[0-9]{6}[A-D]\b`, `\b[1-9][0-9]{10}\b`, `\b[12][0-9]{14}\b`},
	mask.CloudKey: {
		`(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}`, `AIza[A-Za-z0-9_-]{35}`, `gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{82}`, `glpat-[A-Za-z0-9_-]{20}`,
		`xox[abpros]-[A-Za-z0-9-]{10,}`, `[sr]k_(?:live|test)_[A-Za-z0-9]{10,99}`, `npm_[A-Za-z0-9]{36}`, `[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}`,
		`SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}`,
	},
	mask.PrivateKey: {`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END`},
	mask.Connection: {`[a-z]+://[^/\s:@]+:[^/\s@]+@`},
	mask.Secret:     {`(?i)(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key)["']?\s*[:=]\s*["']?[^\s"',;&]+`},
}

func blocked(families []mask.Family) (all []string) {
	for f := range mask.Families {
		if len(families) == 0 || slices.Contains(families, f) {
			all = append(all, patterns[f]...)
		}
	}
	return all
}
