package mask

// class says what a byte may be part of.
type class uint16

const (
	digit   class = 1 << iota
	upper         // A-Z
	lower         // a-z
	hexa          // 0-9A-Fa-f
	local         // a mail's name: RFC 5322 without what pairs and JSON put around it, and all beyond ASCII
	domain        // a mail's host
	base64        // the standard alphabet, without padding
	token         // the URL alphabet of base64: letters, digits, _ and -
	dotted        // token and .
	bearer        // RFC 6750's b68token
	login         // what may stand between :// and @
	bare          // a value without quotes
	blank         // space and tab
	capital       // upper and digit
	signed        // token, . / + = and %
	letter  = upper | lower
	alnum   = letter | digit
)

var classes = func() (t [256]class) {
	set := func(c class, bytes string) {
		for i := range len(bytes) {
			t[bytes[i]] |= c
		}
	}
	for b := range 256 {
		c := byte(b)
		switch {
		case c >= '0' && c <= '9':
			t[b] = digit | hexa | capital
		case c >= 'A' && c <= 'Z':
			t[b] = upper | capital
		case c >= 'a' && c <= 'z':
			t[b] = lower
		case c >= 0x80:
			t[b] = local | domain
		}
		if t[b]&alnum != 0 {
			t[b] |= local | domain | base64 | token | dotted | bearer | signed
		}
		if c > ' ' && c != 0x7f {
			t[b] |= login | bare
		}
	}
	set(hexa, "ABCDEFabcdef")
	set(local, "._%+-'~")
	set(domain, ".-")
	set(base64, "+/")
	set(token, "_-")
	set(dotted, "_-.")
	set(bearer, "-._~+/=")
	set(signed, "_-./+=%")
	set(blank, " \t")
	for _, c := range []byte("/?#\"'<>`\\ ") {
		t[c] &^= login
	}
	for _, c := range []byte("\"'&,;\\") {
		t[c] &^= bare
	}
	return t
}()

func is(c byte, k class) bool { return classes[c]&k != 0 }

// run is the end of the stretch of class k that begins at i.
func run(p []byte, i int, k class) int {
	for i < len(p) && classes[p[i]]&k != 0 {
		i++
	}
	return i
}

// fold has the lower case of each byte, of ASCII letters only: Unicode's
// folding would make a Kelvin sign a k.
var fold = func() (t [256]byte) {
	for b := range 256 {
		t[b] = byte(b)
		if b >= 'A' && b <= 'Z' {
			t[b] += 'a' - 'A'
		}
	}
	return t
}()

// edge says that no letter, digit or underscore stands at i, where one would
// make what is beside it part of a longer word.
func edge(p []byte, i int) bool { return i < 0 || i >= len(p) || !is(p[i], alnum) && p[i] != '_' }
