package mask

import "strings"

// account looks at what should be two capitals at i, with a digit or a space
// behind them.
func (m *Masker) account(p []byte, i int, f *found) {
	if i < 0 || !is(p[i], upper) || !is(p[i+1], upper) || !edge(p, i-1) {
		return
	}
	f.looked += 34 + 8
	if m.on[IBAN] {
		if end := ibanEnd(p, i); end > 0 {
			f.add(i, end, IBAN)
			return
		}
	}
	if m.on[NationalID] {
		if end := ninoEnd(p, i); end > 0 {
			f.add(i, end, NationalID)
		}
	}
}

// isSSN: a US social security number, 3-2-4 digits with dashes, without the
// numbers that are never given.
func isSSN(p []byte, i int) bool {
	if i+11 > len(p) || p[i+3] != '-' || p[i+6] != '-' || i > 0 && p[i-1] == '-' {
		return false
	}
	if i+11 < len(p) && (is(p[i+11], digit) || p[i+11] == '-') {
		return false
	}
	for _, k := range [...]int{4, 5, 7, 8, 9, 10} {
		if !is(p[i+k], digit) {
			return false
		}
	}
	area := string(p[i : i+3])
	return area != "000" && area != "666" && area[0] != '9' && string(p[i+4:i+6]) != "00" && string(p[i+7:i+11]) != "0000"
}

// ninoEnd is where a UK national insurance number that begins at i ends, or 0:
// AB123456C or AB 12 34 56 C.
func ninoEnd(p []byte, i int) int {
	if i+9 > len(p) || strings.IndexByte("ABCEGHJKLMNOPRSTWXYZ", p[i]) < 0 || strings.IndexByte("ABCEGHJKLMNPRSTWXYZ", p[i+1]) < 0 {
		return 0
	}
	switch string(p[i : i+2]) {
	case "BG", "GB", "NK", "KN", "TN", "NT", "ZZ":
		return 0
	}
	at := i + 2
	spaced := p[at] == ' '
	for range 3 {
		if spaced {
			if at >= len(p) || p[at] != ' ' {
				return 0
			}
			at++
		}
		if at+2 > len(p) || !is(p[at], digit) || !is(p[at+1], digit) {
			return 0
		}
		at += 2
	}
	if spaced {
		if at >= len(p) || p[at] != ' ' {
			return 0
		}
		at++
	}
	if at >= len(p) || p[at] < 'A' || p[at] > 'D' || !edge(p, at+1) {
		return 0
	}
	return at + 1
}

// isGermanTaxID: eleven digits, of the first ten of which one comes two or three
// times and the others once at most, with a check digit as in ISO 7064 MOD 11,10.
func isGermanTaxID(p []byte) bool {
	if p[0] == '0' {
		return false
	}
	var count [10]int
	product := 10
	for _, c := range p[:10] {
		count[c-'0']++
		sum := (int(c-'0') + product) % 10
		if sum == 0 {
			sum = 10
		}
		product = sum * 2 % 11
	}
	repeated := 0
	for _, n := range count {
		if n > 3 {
			return false
		}
		if n > 1 {
			repeated++
		}
	}
	return repeated == 1 && (11-product)%10 == int(p[10]-'0')
}

// isFrenchNIR: thirteen digits, sex and month among them, and their key.
func isFrenchNIR(p []byte) bool {
	month := int(p[3]-'0')*10 + int(p[4]-'0')
	if p[0] != '1' && p[0] != '2' || month == 0 || month > 12 && month < 20 || month > 42 && month < 50 {
		return false
	}
	n := 0
	for _, c := range p[:13] {
		n = (n*10 + int(c-'0')) % 97
	}
	return 97-n == int(p[13]-'0')*10+int(p[14]-'0')
}
