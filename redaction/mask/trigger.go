package mask

import (
	"math/bits"
	"slices"
)

// The scan looks at each three bytes in a row and asks whether anything could
// begin, or have its mark, there. Three tables have an entry of 32 bits for each
// byte, one bit for a bucket:
//
//	first[b]   may stand first
//	second[b]  may stand second
//	third[b]   may stand third
//
// so that the buckets that three bytes fit are
//
//	first[a] & second[b] & third[c]
//
// which is nearly always zero. Six buckets are shapes; what is a fixed text,
// such as eyJ, ghp_ or password, goes by its rarest three bytes into one of the
// others.
const (
	digits       = iota // three digits: cards, national ids
	at                  // a mail's @
	account             // two capitals and a digit: IBAN, NINO
	accountSpace        // capital, space, digit: NINO as people write it
	dot                 // digit . digit: IPv4
	colon               // IPv6
	shapes

	buckets        = 32
	literalBuckets = buckets - shapes
)

// literal is a fixed text at which something may begin.
type literal struct {
	text string // lower case if folded; anyDigit fits any digit
	kind kind
	fold bool
	at   int // where in the text the three bytes are that the table knows

	key   *keyRule   // of kindKey
	cloud *cloudRule // of kindCloud
}

type kind uint8

const (
	kindCloud kind = iota
	kindKey
	kindJWT
	kindBearer
	kindBasic
	kindPEM
	kindLogin
)

const anyDigit = 1

// trio is three sets of bytes.
type trio [3][256]bool

func (t *trio) mark(i int, ok func(c byte) bool) {
	for c := range 256 {
		t[i][c] = t[i][c] || ok(byte(c))
	}
}

func (l *literal) fits(i int, c byte) bool {
	if i >= len(l.text) { // a key of two bytes, with what may follow it
		return is(c, blank) || slices.Contains([]byte(`=:>"'\]`), c)
	}
	switch {
	case l.text[i] == anyDigit:
		return is(c, digit)
	case l.fold:
		return fold[c] == l.text[i]
	}
	return c == l.text[i]
}

func (l *literal) sets(at int) (t trio) {
	for i := range 3 {
		t.mark(i, func(c byte) bool { return l.fits(at+i, c) })
	}
	return t
}

// share is about how often a byte of log text is in the set, in thousandths.
func share(set *[256]bool) float64 {
	sum := 0.01
	for c, in := range set {
		if in {
			sum += frequency[c]
		}
	}
	return sum
}

func (t *trio) share() float64 { return share(&t[0]) * share(&t[1]) * share(&t[2]) }

// frequency is rough; nothing but speed depends on it.
var frequency = func() (f [256]float64) {
	for c := range f {
		switch b := byte(c); {
		case b >= '0' && b <= '9':
			f[c] = 18
		case b >= 'A' && b <= 'Z':
			f[c] = 2
		case b >= 0x80 || b < ' ':
			f[c] = 0.3
		default:
			f[c] = 4
		}
	}
	for i, c := range []byte("etaoinsrhldcumfpgwybvkxjqz") {
		f[c] = []float64{75, 55, 50, 45, 45, 42, 42, 40, 25, 25, 25, 25, 18, 18, 14, 14, 14, 10, 10, 8, 7, 5, 2, 1.5, 1, 1}[i]
	}
	for _, c := range []byte("\":, ._-=/") {
		f[c] = 25
	}
	return f
}()

// compile makes the table for the families that are on.
func (m *Masker) compile(names []string) {
	var sets [buckets]trio
	for b, ok := range map[int][3]func(byte) bool{
		digits:       {of(digit), of(digit), of(digit)},
		at:           {of(local), only('@'), func(c byte) bool { return is(c, alnum) || c >= 0x80 }},
		account:      {of(upper), of(upper), of(digit)},
		accountSpace: {of(upper), only(' '), of(digit)},
		dot:          {of(digit), only('.'), of(digit)},
		colon:        {hexOrColon, only(':'), hexOrColon},
	} {
		if !m.wants(b) {
			continue
		}
		for i := range 3 {
			sets[b].mark(i, ok[i])
		}
	}
	var all []literal
	if m.on[Secret] {
		all = append(all, keyLiterals(names)...)
	}
	all = append(all, m.fixed()...)
	for i := range all {
		all[i].place()
	}
	// The most frequent first, each where it adds least: sets in one bucket
	// multiply.
	slices.SortStableFunc(all, func(a, b literal) int {
		x, y := a.sets(a.at), b.sets(b.at)
		switch d := y.share() - x.share(); {
		case d > 0:
			return 1
		case d < 0:
			return -1
		}
		return 0
	})
	for _, l := range all {
		mine := l.sets(l.at)
		best, least := 0, 0.0
		for b := range literalBuckets {
			with := sets[shapes+b]
			for i := range 3 {
				with.mark(i, func(c byte) bool { return mine[i][c] })
			}
			cost := with.share()
			if len(m.literals[b]) > 0 {
				cost -= sets[shapes+b].share()
			}
			if b == 0 || cost < least {
				best, least = b, cost
			}
		}
		for i := range 3 {
			sets[shapes+best].mark(i, func(c byte) bool { return mine[i][c] })
		}
		m.literals[best] = append(m.literals[best], l)
	}
	if m.on[Card] {
		m.ofInterest |= 1<<4 | 0x7f<<13 // a group, or 13 to 19
	}
	if m.on[NationalID] {
		m.ofInterest |= 1<<3 | 1<<11 | 1<<15
	}
	for b := range sets {
		for i := range 3 {
			for c, in := range sets[b][i] {
				if in {
					m.table[i][c] |= 1 << b
				}
			}
		}
	}
}

// place picks the rarest three bytes. Three digits are never picked, since
// stretches of digits are jumped over (digits.go).
func (l *literal) place() {
	least := -1.0
	for at := 0; at == 0 || at+3 <= len(l.text); at++ {
		t := l.sets(at)
		if t[0]['0'] && t[1]['0'] && t[2]['0'] {
			continue
		}
		if s := t.share(); least < 0 || s < least {
			least, l.at = s, at
		}
	}
}

// wants says whether a shape is of use for the families that are on.
func (m *Masker) wants(shape int) bool {
	switch shape {
	case digits:
		return m.on[Card] || m.on[NationalID]
	case at:
		return m.on[Mail]
	case account:
		return m.on[IBAN] || m.on[NationalID]
	case accountSpace:
		return m.on[NationalID]
	}
	return m.on[IP]
}

// fixed lists the texts of the families that are on, keys left out.
func (m *Masker) fixed() (all []literal) {
	for _, l := range []struct {
		family Family
		literal
	}{
		{JWT, literal{text: "eyJ", kind: kindJWT}},
		{Credential, literal{text: "bearer", kind: kindBearer, fold: true}},
		{Credential, literal{text: "basic", kind: kindBasic, fold: true}},
		{PrivateKey, literal{text: "-----BEGIN", kind: kindPEM}},
		{Connection, literal{text: "://", kind: kindLogin}},
	} {
		if m.on[l.family] {
			all = append(all, l.literal)
		}
	}
	if m.on[CloudKey] {
		for i := range cloudRules {
			all = append(all, literal{text: cloudRules[i].prefix, kind: kindCloud, cloud: &cloudRules[i]})
		}
	}
	return all
}

func of(k class) func(byte) bool  { return func(c byte) bool { return is(c, k) } }
func only(b byte) func(byte) bool { return func(c byte) bool { return c == b } }
func hexOrColon(c byte) bool      { return is(c, hexa) || c == ':' }

// verify looks at what the buckets in hits stand for at i, and returns where to
// go on.
func (m *Masker) verify(p []byte, i int, hits uint32, f *found) int {
	next := i + 1
	for ; hits != 0; hits &= hits - 1 {
		switch b := bits.TrailingZeros32(hits); b {
		case digits:
			next = max(next, m.digits(p, i, f))
		case at:
			findMail(p, i+1, f)
		case account, accountSpace:
			m.account(p, i, f)
		case dot:
			findIPv4(p, i, f)
		case colon:
			findIPv6(p, i+1, f)
		default:
			for j := range m.literals[b-shapes] {
				m.literal(p, i, &m.literals[b-shapes][j], f)
			}
		}
	}
	return next
}

// literal looks whether l's text stands where its three bytes are at i.
func (m *Masker) literal(p []byte, i int, l *literal, f *found) {
	start := i - l.at
	if start < 0 || start+len(l.text) > len(p) {
		return
	}
	for k := range len(l.text) {
		if !l.fits(k, p[start+k]) {
			return
		}
	}
	end := start + len(l.text)
	f.looked += end - start
	switch l.kind {
	case kindCloud:
		findCloudKey(p, start, end, l.cloud, f)
	case kindKey:
		findPair(p, start, end, l.key, f)
	case kindJWT:
		findJWT(p, start, f)
	case kindBearer:
		findBearer(p, end, f)
	case kindBasic:
		findBasic(p, end, f)
	case kindPEM:
		findPEM(p, start, end, f)
	case kindLogin:
		findLogin(p, start, end, f)
	}
}
