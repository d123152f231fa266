package mask

// digits looks at the stretch of digits that begins at i, for cards and for
// national ids made of digits.
func (m *Masker) digits(p []byte, i int, f *found) {
	j := run(p, i, digit)
	f.looked += j - i
	if i >= 2 && p[i-1] == '.' && is(p[i-2], digit) {
		return // a fraction
	}
	switch n := j - i; {
	case n == 3 && m.on[NationalID]:
		f.looked += 8
		if isSSN(p, i) {
			f.add(i, i+11, NationalID)
		}
	case n == 4 && m.on[Card]:
		if end := groupedCard(p, i, f); end > 0 {
			f.add(i, end, Card)
		}
	case n >= 11 && n <= 19:
		family := Families
		if n >= 13 && m.on[Card] && isCard(p[i:j]) {
			family = Card
		} else if m.on[NationalID] && (n == 11 && isGermanTaxID(p[i:j]) || n == 15 && isFrenchNIR(p[i:j])) {
			family = NationalID
		}
		if family != Families && !insideID(p, i, j, f) {
			f.add(i, j, family)
		}
	}
}

// insideID says that the digits from i to j are part of 16, 32, 40 or 64 hex
// digits with a letter among them: a span's or trace's id, or a hash. One trace
// id in some thousands has a stretch that passes for a card number, and masked
// it would not be found again.
func insideID(p []byte, i, j int, f *found) bool {
	start, end := i, j
	for start > 0 && i-start < 64 && is(p[start-1], hexa) {
		start--
	}
	for end < len(p) && end-j < 64 && is(p[end], hexa) {
		end++
	}
	f.looked += end - start
	switch end - start {
	case 16, 32, 40, 64:
		return end-start > j-i
	}
	return false
}

// isCard: 13 to 19 digits that begin as the issuers' ranges do (2 to 6) and
// pass Luhn. Blanks and dashes between do not count.
func isCard(p []byte) bool {
	if p[0] < '2' || p[0] > '6' {
		return false
	}
	sum, n := 0, 0
	for k := len(p) - 1; k >= 0; k-- {
		if !is(p[k], digit) {
			continue
		}
		d := int(p[k] - '0')
		if n%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		n++
	}
	return n >= 13 && n <= 19 && sum%10 == 0
}

// groupedCard is where a card number written in groups ends that begins with
// the four digits at i, or 0: 4-4-4-1..4, 4-4-4-4-1..3, 4-6-4 or 4-6-5, with
// the same blank or dash between all of them.
func groupedCard(p []byte, i int, f *found) int {
	if i+4 >= len(p) || p[i+4] != ' ' && p[i+4] != '-' || p[i] < '2' || p[i] > '6' {
		return 0
	}
	var length, ends [5]int
	n, at := 0, i
	for n < 5 {
		end := at
		for end < len(p) && end-at < 8 && is(p[end], digit) {
			end++
		}
		if end == at {
			break
		}
		length[n], ends[n] = end-at, end
		n++
		if end >= len(p) || p[end] != p[i+4] {
			break
		}
		at = end + 1
	}
	f.looked += ends[max(n, 1)-1] - i
	if length[1] == 6 && (length[2] == 4 || length[2] == 5) && isCard(p[i:ends[2]]) {
		return ends[2]
	}
	if length[1] != 4 || length[2] != 4 || length[3] < 1 || length[3] > 4 {
		return 0
	}
	if length[3] == 4 && length[4] >= 1 && length[4] <= 3 && isCard(p[i:ends[4]]) {
		return ends[4]
	}
	if isCard(p[i:ends[3]]) {
		return ends[3]
	}
	return 0
}
