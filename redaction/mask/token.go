package mask

// findJWT looks at the eyJ at start: the base64url of a header that begins with
// {", a dot and a second part, and up to three more. What a token is signed or
// encrypted with does not matter.
func findJWT(p []byte, start int, f *found) {
	if start < f.jwtDone {
		return
	}
	end := run(p, start, token)
	f.looked += end - start
	f.jwtDone = end // what begins before has the same end, and fails for the same reason
	if end-start < 8 || end >= len(p) || p[end] != '.' {
		return
	}
	second := run(p, end+1, token)
	f.looked += second - end
	if second-end-1 < 8 {
		return
	}
	end = second
	for range 3 {
		if end >= len(p) || p[end] != '.' {
			break
		}
		end = run(p, end+1, token)
	}
	f.looked += end - second
	f.jwtDone = end
	f.add(start, end, JWT)
}

// findBearer looks at what follows the word at end: blanks, colons or equals,
// and a token of eight or more. A word of lower case letters, as in "bearer
// authentication", is a token only from sixteen on.
func findBearer(p []byte, end int, f *found) {
	start := end
	for start < len(p) && start-end < 8 && (is(p[start], blank) || p[start] == ':' || p[start] == '=') {
		start++
	}
	if start == end || start < f.tokenDone {
		return
	}
	stop := run(p, start, bearer)
	f.looked += stop - end
	f.tokenDone = stop
	if stop-start < 8 || stop-start < 16 && run(p, start, lower) == stop {
		return
	}
	f.add(start, stop, Credential)
}

// findBasic looks at what follows the word at end: blanks, and base64 of
// something with a colon in it.
func findBasic(p []byte, end int, f *found) {
	start := end
	for start < len(p) && start-end < 8 && (is(p[start], blank) || p[start] == ':' || p[start] == '=') {
		start++
	}
	if start == end || start < f.basicDone {
		return
	}
	stop := run(p, start, base64)
	f.looked += stop - end
	f.basicDone = stop
	if stop-start < 6 || !decodesToColon(p[start:stop]) {
		return
	}
	for stop < len(p) && p[stop] == '=' {
		stop++
	}
	f.basicDone = stop
	f.add(start, stop, Credential)
}

// decodesToColon decodes as far as there are whole bytes.
func decodesToColon(p []byte) bool {
	acc, have := uint32(0), 0
	for _, c := range p {
		var v byte
		switch {
		case c >= 'a':
			v = c - 'a' + 26
		case c >= 'A':
			v = c - 'A'
		case c >= '0':
			v = c - '0' + 52
		case c == '+':
			v = 62
		default:
			v = 63
		}
		acc = acc<<6 | uint32(v)
		if have += 6; have >= 8 {
			have -= 8
			if byte(acc>>have) == ':' {
				return true
			}
		}
	}
	return false
}
