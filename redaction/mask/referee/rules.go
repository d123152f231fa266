package referee

import (
	"regexp"
	"strings"

	"github.com/weir-telemetry/weir/redaction/mask"
)

func re(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

// anyCase folds ASCII letters; (?i) would fold a Kelvin sign too.
func anyCase(words ...string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte('|')
		}
		for _, c := range w {
			switch {
			case c >= 'a' && c <= 'z':
				b.WriteString("[" + string(c) + string(c-'a'+'A') + "]")
			default:
				b.WriteString(regexp.QuoteMeta(string(c)))
			}
		}
	}
	return "(?:" + b.String() + ")"
}

var (
	longNames = anyCase("password", "passwd", "passphrase", "passcode", "passwort", "secret", "apikey", "api_key", "api-key",
		"accesskey", "access_key", "access-key", "secretkey", "secret_key", "secret-key", "privatekey", "private_key", "private-key",
		"accountkey", "account_key", "sharedaccesskey", "shared_key", "auth_key", "authkey", "signing_key", "signingkey",
		"encryption_key", "encryptionkey", "credential", "credentials", "authorization", "signature", "session_id", "sessionid")
	shortNames = `(?:^|[^A-Za-z0-9])` + anyCase("pwd", "pass", "token", "sig", "otp", "cvv", "cvc", "pin")
	separator  = `\]?(?:\\*["'])?[ \t]{0,8}(?:=>|:=|==|[:=])[ \t]{0,8}`
	bareValue  = "([^=:\\s\"'`&,;\\\\{}\\[\\]<>\\x00-\\x20\\x7f][^\\s\"'`&,;\\\\{}\\[\\]<>\\x00-\\x20\\x7f]*)"
)

// all rules, one after the other.
var all = []Rule{
	{mask.Mail, re(`[A-Za-z0-9._%+~\x{80}-\x{10ffff}-][A-Za-z0-9._%+'~\x{80}-\x{10ffff}-]*@[A-Za-z0-9\x{80}-\x{10ffff}][A-Za-z0-9.\x{80}-\x{10ffff}-]*\.[A-Za-z]{2}(?:[A-Za-z0-9.\x{80}-\x{10ffff}-]*[A-Za-z0-9\x{80}-\x{10ffff}])?`), nil, false},

	{mask.Card, re(`[0-9]{13,}`), card, false},
	{mask.Card, re(`[0-9]{4} [0-9]{4} [0-9]{4} [0-9]{1,4}`), card, false},
	{mask.Card, re(`[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{1,4}`), card, false},
	{mask.Card, re(`[0-9]{4}[ -][0-9]{6}[ -][0-9]{4,5}`), card, false},

	{mask.IBAN, re(`[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?`), iban, false},

	{mask.NationalID, re(`[0-9]{3}-[0-9]{2}-[0-9]{4}`), ssn, false},
	{mask.NationalID, re(`[ABCEGHJ-PRSTWXYZ][ABCEGHJ-NPRSTWXYZ](?:[0-9]{6}| [0-9]{2} [0-9]{2} [0-9]{2} )[A-D]`), nino, false},
	{mask.NationalID, re(`[1-9][0-9]{10,}`), germanTaxID, false},
	{mask.NationalID, re(`[12][0-9]{14,}`), frenchNIR, false},

	{mask.IP, re(`[0-9]+(?:\.[0-9]+)+`), ipv4, false},
	{mask.IP, re(`[0-9A-Fa-f:]*:[0-9A-Fa-f:]*`), ipv6, true},

	{mask.JWT, re(`eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,3}`), nil, false},

	{mask.Credential, re(anyCase("bearer") + `[ \t:=]{1,8}([A-Za-z0-9._~+/-]{8,}=*)`), notAWord, false},
	{mask.Credential, re(anyCase("basic") + `[ \t:=]{1,8}([A-Za-z0-9+/]{6,}=*)`), basic, false},

	{mask.CloudKey, re(`(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}`), nil, false},
	{mask.CloudKey, re(`AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{28}|ya29\.[A-Za-z0-9_-]{30,}`), nil, false},
	{mask.CloudKey, re(`[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}`), nil, false},
	{mask.CloudKey, re(`gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{82}`), nil, false},
	{mask.CloudKey, re(`gl(?:pat|ptt|dt|rt|soat|ft)-[A-Za-z0-9_-]{20}`), nil, false},
	{mask.CloudKey, re(`xox[abpros]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}`), nil, false},
	{mask.CloudKey, re(`[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,99}`), nil, false},
	{mask.CloudKey, re(`npm_[A-Za-z0-9]{36}|pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}|dckr_pat_[A-Za-z0-9_-]{27}|hf_[A-Za-z]{34}`), nil, false},
	{mask.CloudKey, re(`SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}|do[opr]_v1_[a-f0-9]{64}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}`), nil, false},

	{mask.PrivateKey, re(`(?s)-----BEGIN [A-Z0-9 ]{0,20}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END[A-Z0-9 ]*(?:-----)?|\z)`), nil, false},

	{mask.Connection, re("[A-Za-z0-9]://([^\\s/?#\"'<>`\\\\\\x00-\\x20\\x7f]*:[^\\s/?#\"'<>`\\\\\\x00-\\x20\\x7f]+)@"), notMasked, false},

	{mask.Secret, re(longNames + separator + `"((?:[^"\\\n]|\\.)+)`), notMasked, false},
	{mask.Secret, re(longNames + separator + `\\"([^"\\\n]+)\\"`), notMasked, false},
	{mask.Secret, re(longNames + separator + bareValue), notMasked, false},
	{mask.Secret, re(shortNames + separator + `"((?:[^"\\\n]|\\.)+)`), notMasked, false},
	{mask.Secret, re(shortNames + separator + bareValue), notMasked, false},
}
