package mask

import (
	"math/bits"
	"slices"
	"strings"
)

// The scan looks at three bytes in a row, at every second place, and asks
// whether anything could begin, or have its mark, there. Three tables have an
// entry of 64 bits for each byte, one bit for a bucket:
//
//	first[b]   may stand first
//	second[b]  may stand second
//	third[b]   may stand third
//
// so that the buckets that three bytes fit are
//
//	first[a] & second[b] & third[c]
//
// which is nearly always zero. What is a fixed text, such as eyJ, ghp_ or
// password, is known by its four rarest bytes: by the first three of them in one
// bucket, by the last three in another, so that one of the two is at an even
// place. The three shapes that are no texts have two buckets each for the same
// reason. Shapes of digits are found by numbers.go.
const (
	at            = iota // a mail's @
	at2                  // likewise, with the byte before
	account              // two capitals and two digits: IBAN, NINO
	account2             // likewise, from the second on
	accountSpace         // capital, space, digit: NINO as people write it
	accountSpace2        // likewise, from the space on
	shapes

	buckets        = 64
	literalBuckets = buckets - shapes
)

// literal is a fixed text at which something may begin.
type literal struct {
	text string // lower case if folded; anyDigit fits any digit
	kind kind
	fold bool
	at   int // where in the text the bytes begin that the tables know

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

// fits says whether c may stand at i of the text, or behind its end.
func (l *literal) fits(i int, c byte) bool {
	switch past := i - len(l.text); {
	case past < 0 && l.text[i] == anyDigit:
		return is(c, digit)
	case past < 0 && l.fold:
		return fold[c] == l.text[i]
	case past < 0:
		return c == l.text[i]
	case l.kind == kindCloud && past < l.cloud.min:
		return is(c, l.cloud.of)
	case past > 0:
		return true
	case l.kind == kindKey:
		return is(c, blank) || strings.IndexByte("=:>\"'`\\]", c) >= 0
	case l.kind == kindJWT:
		return is(c, token)
	case l.kind == kindLogin:
		return is(c, login)
	}
	return true
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
	name := of(local)
	host := func(c byte) bool { return is(c, alnum) || c >= 0x80 }
	any := func(byte) bool { return true }
	for b, ok := range [shapes][3]func(byte) bool{
		at:            {name, only('@'), host},
		at2:           {any, name, only('@')},
		account:       {of(upper), of(upper), of(digit)},
		account2:      {of(upper), of(digit), of(digit)},
		accountSpace:  {of(upper), only(' '), of(digit)},
		accountSpace2: {only(' '), of(digit), of(digit)},
	} {
		if !m.wants(b) {
			continue
		}
		for i := range 3 {
			sets[b].mark(i, ok[i])
		}
	}
	var all []literal
	m.keys = keyLiterals(m.on[Secret], names)
	all = append(all, m.keys...)
	all = append(all, m.fixed()...)
	for i := range all {
		all[i].place()
		second := all[i]
		second.at++
		all = append(all, second)
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
	m.wantsDigits = m.on[Card] || m.on[NationalID]
	m.wantsNumbers = m.wantsDigits || m.on[IP]
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

// place picks the rarest four bytes.
func (l *literal) place() {
	least := -1.0
	for at := 0; at == 0 || at+4 <= len(l.text); at++ {
		a, b := l.sets(at), l.sets(at+1)
		if s := a.share() + b.share(); least < 0 || s < least {
			least, l.at = s, at
		}
	}
}

// wants says whether a shape is of use for the families that are on.
func (m *Masker) wants(shape int) bool {
	switch shape {
	case at, at2:
		return m.on[Mail]
	case account, account2:
		return m.on[IBAN] || m.on[NationalID]
	}
	return m.on[NationalID]
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
		{PrivateKey, literal{text: "-----begin", kind: kindPEM, fold: true}},
		{Connection, literal{text: "://", kind: kindLogin}},
	} {
		if m.on[l.family] {
			all = append(all, l.literal)
		}
	}
	if m.on[CloudKey] {
		for i := range cloudRules {
			r := &cloudRules[i]
			small := !strings.ContainsFunc(r.prefix, func(c rune) bool { return c >= 'A' && c <= 'Z' })
			all = append(all, literal{text: r.prefix, kind: kindCloud, fold: small, cloud: r})
		}
	}
	return all
}

func of(k class) func(byte) bool  { return func(c byte) bool { return is(c, k) } }
func only(b byte) func(byte) bool { return func(c byte) bool { return c == b } }

// verify looks at what the buckets in hits stand for at i.
func (m *Masker) verify(p []byte, i int, hits uint64, f *found) {
	for ; hits != 0; hits &= hits - 1 {
		switch b := bits.TrailingZeros64(hits); b {
		case at:
			findMail(p, i+1, f)
		case at2:
			findMail(p, i+2, f)
		case account:
			m.account(p, i, f)
		case account2, accountSpace:
			m.account(p, i-1, f)
		case accountSpace2:
			m.account(p, i-2, f)
		default:
			for j := range m.literals[b-shapes] {
				m.literal(p, i, &m.literals[b-shapes][j], f)
			}
		}
	}
}

// literal looks whether l's text stands where its three bytes are at i.
func (m *Masker) literal(p []byte, i int, l *literal, f *found) {
	start := i - l.at
	if start < 0 || start+len(l.text) > len(p) {
		return
	}
	for k, want := range []byte(l.text) {
		c := p[start+k]
		if l.fold {
			c = fold[c]
		}
		if c != want && !(want == anyDigit && is(c, digit)) {
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
