package mask

// ibanLengths are those of the SWIFT registry and of the countries that use the
// shape without being in it.
var ibanLengths = func() map[[2]byte]int {
	t := map[[2]byte]int{}
	const all = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18" +
		"FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24" +
		"ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25" +
		"SV28TL23TN24TR26UA29VA22VG24XK20YE30"
	for i := 0; i < len(all); i += 4 {
		t[[2]byte{all[i], all[i+1]}] = int(all[i+2]-'0')*10 + int(all[i+3]-'0')
	}
	return t
}()

// ibanEnd is where an IBAN that begins at i ends, or 0: as many letters and
// digits as its country has, without blanks or with one after each four, and
// 1 modulo 97.
func ibanEnd(p []byte, i int) int {
	if i+15 > len(p) || !is(p[i+2], digit) || !is(p[i+3], digit) {
		return 0
	}
	want := ibanLengths[[2]byte{p[i], p[i+1]}]
	if want == 0 {
		return 0
	}
	spaced := p[i+4] == ' '
	rest, first := 0, 0 // the first four count last
	at := i
	for n := range want {
		if spaced && n > 0 && n%4 == 0 {
			if at >= len(p) || p[at] != ' ' {
				return 0
			}
			at++
		}
		if at >= len(p) || !is(p[at], capital) {
			return 0
		}
		if n < 4 {
			first = mod97(first, p[at])
		} else {
			rest = mod97(rest, p[at])
		}
		at++
	}
	if !edge(p, at) {
		return 0
	}
	// Two letters are four digits and two digits are two: six in all.
	if (rest*1000000+first)%97 != 1 {
		return 0
	}
	return at
}

// mod97 appends a digit, or a letter as its two digits (A is 10).
func mod97(n int, c byte) int {
	if c >= 'A' {
		return (n*100 + int(c-'A') + 10) % 97
	}
	return (n*10 + int(c-'0')) % 97
}
