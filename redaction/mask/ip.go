package mask

// findIPv4 looks around the digit before a dot at i: four numbers of at most
// three digits and 255, neither more numbers nor digits on either side.
func findIPv4(p []byte, i int, f *found) {
	if i < f.ipDone {
		return
	}
	start := i
	for start > 0 && i-start < 3 && is(p[start-1], digit) {
		start--
	}
	end, dots, value, n, bad := start, 0, 0, 0, false
	for ; end < len(p); end++ {
		if c := p[end]; is(c, digit) {
			value = value*10 + int(c-'0')
			if n++; n > 3 || value > 255 {
				bad, value = true, 0
			}
		} else if c == '.' && end+1 < len(p) && is(p[end+1], digit) {
			dots++
			value, n = 0, 0
		} else {
			break
		}
	}
	f.looked += end - start
	f.ipDone = end
	if bad || dots != 3 {
		return
	}
	f.add(start, end, IP)
}

// findIPv6 looks around the colon at i: eight groups of at most four hex digits,
// or fewer with one double colon. A mapped IPv4 address at its end is found as
// one, and the two become one.
func findIPv6(p []byte, i int, f *found) {
	if i < f.ipv6Done {
		return
	}
	start := i
	for start > f.ipv6Done && i-start < 45 && (is(p[start-1], hexa) || p[start-1] == ':') {
		start--
	}
	end, groups, n, double, bad := start, 0, 0, 0, i-start == 45
	for ; end < len(p); end++ {
		if c := p[end]; is(c, hexa) {
			if n++; n == 1 {
				groups++
			}
			bad = bad || n > 4
		} else if c == ':' {
			if end > start && p[end-1] == ':' {
				double++
				bad = bad || end-2 >= start && p[end-2] == ':'
			}
			n = 0
		} else {
			break
		}
	}
	f.looked += end - start
	f.ipv6Done = end
	if end-start >= 2 && p[start] == ':' && p[start+1] != ':' { // after a name
		start++
	}
	if end-start >= 2 && p[end-1] == ':' && p[end-2] != ':' { // the end of a sentence's part
		end--
	}
	if bad || !edge(p, start-1) || !edge(p, end) {
		return
	}
	if double == 0 && groups == 8 || double == 1 && groups >= 1 && groups <= 7 {
		f.add(start, end, IP)
	}
}
