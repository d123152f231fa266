package mask_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/weir-telemetry/weir/redaction/mask"
)

func pick(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	digitSet = "0123456789"
	alnumSet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	upperSet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)

func luhn(number string) string {
	sum := 0
	for i := range number {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 0 {
			d = d*2/10 + d*2%10
		}
		sum += d
	}
	return number + string(rune('0'+(10-sum%10)%10))
}

// canary is a value of a family, and the part of it that must not survive.
func canary(r *rand.Rand, f mask.Family) (text, part string) {
	switch f {
	case mask.Mail:
		text = pick(r, alnumSet, 8) + "@" + pick(r, alnumSet, 6) + ".example"
	case mask.Card:
		text = luhn([]string{"4", "51", "2221", "6011"}[r.IntN(4)] + pick(r, digitSet, 11))
	case mask.IBAN:
		body := pick(r, digitSet, 18)
		n := 0
		for _, c := range body + "131400" {
			n = (n*10 + int(c-'0')) % 97
		}
		text = fmt.Sprintf("DE%02d%s", 98-n, body)
	case mask.NationalID:
		text = fmt.Sprintf("%03d-%02d-%04d", 100+r.IntN(500), 1+r.IntN(99), 1+r.IntN(9999))
		if r.IntN(2) == 0 {
			text = "AB" + pick(r, digitSet, 6) + "C"
		}
	case mask.IP:
		text = fmt.Sprintf("%d.%d.%d.%d", r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256))
		if r.IntN(2) == 0 {
			text = "2001:db8::" + pick(r, "0123456789abcdef", 4) + ":" + pick(r, "123456789abcdef", 3)
		}
	case mask.JWT:
		text = "eyJ" + pick(r, alnumSet, 20) + "." + pick(r, alnumSet+"-_", 30) + "." + pick(r, alnumSet, 20)
	case mask.Credential:
		part = pick(r, alnumSet, 24)
		if r.IntN(2) == 0 {
			part = base64.StdEncoding.EncodeToString([]byte("user:" + pick(r, alnumSet, 12)))
			return "Basic " + part, part
		}
		return "bearer " + part, part
	case mask.CloudKey:
		text = []string{"AKIA" + pick(r, "ABCDEFGH234567", 16), "ghp_" + pick(r, alnumSet, 36), "xoxb-" + pick(r, digitSet, 12) + "-" + pick(r, alnumSet, 24),
			"sk_live_" + pick(r, alnumSet, 24), "glpat-" + pick(r, alnumSet, 20), "AIza" + pick(r, alnumSet, 35), "npm_" + pick(r, alnumSet, 36)}[r.IntN(7)]
	case mask.PrivateKey:
		part = pick(r, alnumSet, 40)
		return "-----BEGIN PRIVATE KEY-----\n" + part + "\n-----END PRIVATE KEY-----", part
	case mask.Connection:
		part = pick(r, alnumSet, 12)
		return "postgres://user:" + part + "@db:5432/x", part
	case mask.Secret:
		part = pick(r, alnumSet, 12)
		return []string{"password=" + part, `"client_secret":"` + part + `"`, `\"api_key\": \"` + part + `\"`, "pwd: " + part, "token='" + part + "'"}[r.IntN(5)], part
	}
	return text, text
}

// soup is a line of canaries, what looks like them, and what is between.
func soup(r *rand.Rand) string {
	pieces := []string{" ", "\"", "'", ":", "=", "@", ".", "-", "://", "<", ">", "\\", "\\\"", "\n", "{", "}", ",", "é", "字", "a", "Z", "0", "4", "password", "token=",
		"secret\":", "bearer ", "basic ", "eyJ", "-----BEGIN PRIVATE KEY-----", "-----END", "::", "1.2.3", "AB12", "4111 1111 ", "<mail>", "<hidden>", "***", "pwd=", "]=>", "\x80", "&", "ghp_", "?"}
	var b strings.Builder
	for range 1 + r.IntN(12) {
		switch r.IntN(3) {
		case 0:
			text, _ := canary(r, mask.Family(r.IntN(int(mask.Families))))
			b.WriteString(text)
		case 1:
			b.WriteString(pick(r, alnumSet+" .-_:/", r.IntN(10)))
		default:
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
	}
	return b.String()
}
