package mask

// findMail looks around the @ at i. A name and a host have no @, so that what
// lies between two of them is looked at twice at most.
func findMail(p []byte, i int, f *found) {
	start := i
	for start > f.mailDone && is(p[start-1], local) {
		start--
	}
	end := run(p, i+1, domain)
	f.looked += end - start
	f.mailDone = i + 1
	for start < i && p[start] == '\'' { // a quote around it
		start++
	}
	for end > i && (p[end-1] == '.' || p[end-1] == '-') {
		end--
	}
	if start == i || !hasTopLevel(p[i+1:max(end, i+1)]) {
		return
	}
	f.add(start, end, Mail)
}

// hasTopLevel says that a dot is followed by two letters: a host has such a
// place, and lodash@4.17.21 has none.
func hasTopLevel(host []byte) bool {
	for i := 1; i+2 < len(host); i++ {
		if host[i] == '.' && isTop(host[i+1]) && isTop(host[i+2]) {
			return true
		}
	}
	return false
}

func isTop(c byte) bool { return is(c, letter) || c >= 0x80 }
