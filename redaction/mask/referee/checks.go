package referee

import (
	"bytes"
	"encoding/base64"
	"math/big"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/weir-telemetry/weir/redaction/mask"
)

func digitAt(line []byte, i int) bool {
	return i >= 0 && i < len(line) && line[i] >= '0' && line[i] <= '9'
}

func wordAt(line []byte, i int) bool {
	return i >= 0 && i < len(line) && (line[i] == '_' || regexp.MustCompile(`^[A-Za-z0-9]$`).Match(line[i:i+1]))
}

// whole says that no digit stands on either side, and that it is no fraction.
func whole(line []byte, start, end int) bool {
	fraction := start >= 2 && line[start-1] == '.' && digitAt(line, start-2)
	return !digitAt(line, start-1) && !digitAt(line, end) && !fraction && !partOfID(line, start, end)
}

var id = regexp.MustCompile(`[0-9A-Fa-f]+`)

// partOfID says that the digits are some of those of a trace's or span's id, or
// of a hash.
func partOfID(line []byte, start, end int) bool {
	for _, m := range id.FindAllIndex(line, -1) {
		n := m[1] - m[0]
		if m[0] <= start && end <= m[1] && n > end-start && (n == 16 || n == 32 || n == 40 || n == 64) {
			return true
		}
	}
	return false
}

func only(text []byte, keep func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if keep(r) {
			return r
		}
		return -1
	}, string(text))
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func card(line []byte, start, end int) bool {
	number := only(line[start:end], isDigit)
	if !whole(line, start, end) || len(number) < 13 || len(number) > 19 || !strings.ContainsRune("23456", rune(number[0])) {
		return false
	}
	text := line[start:end]
	if bytes.ContainsRune(text, ' ') && bytes.ContainsRune(text, '-') {
		return false
	}
	sum := 0
	for i := range number {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			d = d*2/10 + d*2%10
		}
		sum += d
	}
	return sum%10 == 0
}

func iban(line []byte, start, end int) bool {
	text := string(line[start:end])
	if wordAt(line, start-1) || wordAt(line, end) {
		return false
	}
	// Blanks in all places or in none, as people write them.
	compact := strings.ReplaceAll(text, " ", "")
	var groups []string
	for rest := compact; rest != ""; rest = rest[min(4, len(rest)):] {
		groups = append(groups, rest[:min(4, len(rest))])
	}
	if text != compact && text != strings.Join(groups, " ") {
		return false
	}
	lengths := map[string]int{"DE": 22, "GB": 22, "FR": 27, "NL": 18, "AT": 20, "CH": 21, "ES": 24, "IT": 27, "BE": 16, "PL": 28, "NO": 15, "MT": 31, "SE": 24}
	if lengths[compact[:2]] != len(compact) {
		return false
	}
	var number strings.Builder
	for _, c := range compact[4:] + compact[:4] {
		n, err := strconv.ParseInt(string(c), 36, 32)
		if err != nil {
			return false
		}
		number.WriteString(strconv.Itoa(int(n)))
	}
	n, ok := new(big.Int).SetString(number.String(), 10)
	return ok && new(big.Int).Mod(n, big.NewInt(97)).Int64() == 1
}

func ssn(line []byte, start, end int) bool {
	dash := func(i int) bool { return i >= 0 && i < len(line) && line[i] == '-' }
	p := strings.Split(string(line[start:end]), "-")
	return whole(line, start, end) && !dash(start-1) && !dash(end) &&
		p[0] != "000" && p[0] != "666" && p[0] < "900" && p[1] != "00" && p[2] != "0000"
}

func nino(line []byte, start, end int) bool {
	return !wordAt(line, start-1) && !wordAt(line, end) &&
		!strings.Contains("BG GB NK KN TN NT ZZ", string(line[start:start+2]))
}

func germanTaxID(line []byte, start, end int) bool {
	if end-start != 11 || !whole(line, start, end) {
		return false
	}
	text := string(line[start:end])
	repeated := 0
	for d := '0'; d <= '9'; d++ {
		switch strings.Count(text[:10], string(d)) {
		case 0, 1:
		case 2, 3:
			repeated++
		default:
			return false
		}
	}
	product := 10
	for _, c := range text[:10] {
		sum := (int(c-'0') + product) % 10
		if sum == 0 {
			sum = 10
		}
		product = 2 * sum % 11
	}
	check := 11 - product
	if check == 10 {
		check = 0
	}
	return repeated == 1 && text[10:] == strconv.Itoa(check)
}

func frenchNIR(line []byte, start, end int) bool {
	if end-start != 15 || !whole(line, start, end) {
		return false
	}
	text := string(line[start:end])
	month, number, key := text[3:5], text[:13], text[13:]
	if !(month >= "01" && month <= "12" || month >= "20" && month <= "42" || month >= "50") {
		return false
	}
	n, err := strconv.Atoi(number)
	k, err2 := strconv.Atoi(key)
	return err == nil && err2 == nil && k == 97-n%97
}

func ipv4(line []byte, start, end int) bool {
	parts := strings.Split(string(line[start:end]), ".")
	if len(parts) != 4 {
		return false
	}
	for _, p := range parts {
		if n, err := strconv.Atoi(p); err != nil || n > 255 || len(p) > 3 {
			return false
		}
	}
	return true
}

func ipv6(line []byte, start, end int) bool {
	if wordAt(line, start-1) || wordAt(line, end) {
		return false
	}
	a, err := netip.ParseAddr(string(line[start:end]))
	return err == nil && a.Is6() && end-start > 2 // :: alone is nobody
}

// notAWord tells "bearer authentication" from a token.
func notAWord(line []byte, start, end int) bool {
	return end-start >= 16 || only(line[start:end], func(r rune) bool { return r < 'a' || r > 'z' }) != ""
}

func basic(line []byte, start, end int) bool {
	text := strings.TrimRight(string(line[start:end]), "=")
	if len(text)%4 == 1 {
		text = text[:len(text)-1]
	}
	plain, err := base64.RawStdEncoding.DecodeString(text)
	return err == nil && bytes.ContainsRune(plain, ':')
}

var (
	masked = func() *regexp.Regexp {
		var names []string
		for f := range mask.Families {
			names = append(names, regexp.QuoteMeta(f.Constant()))
		}
		return regexp.MustCompile(`^(?:` + strings.Join(names, "|") + `|\*)*$`)
	}()
	literal = regexp.MustCompile(`^(?:null|NULL|nil|none|None|true|false)$`)
)

// notMasked leaves out what is masked already, and what holds no secret. A user
// without a password is one too.
func notMasked(line []byte, start, end int) bool {
	text := line[start:end]
	if i := bytes.IndexByte(text, ':'); i >= 0 && end < len(line) && line[end] == '@' {
		text = text[i+1:]
	}
	return !masked.Match(text) && !literal.Match(text)
}
