package mask

// findLogin looks at the :// from colon to start: what stands before the last @
// of the authority is a login if it has a colon with a password behind it, or
// is long enough to be a token by itself. The host stays readable.
func findLogin(p []byte, colon, start int, f *found) {
	if colon == 0 || !is(p[colon-1], alnum) {
		return
	}
	end := run(p, start, login)
	f.looked += end - start
	at := end - 1
	for at >= start && p[at] != '@' {
		at--
	}
	if at < start {
		return
	}
	user := start
	for user < at && p[user] != ':' {
		user++
	}
	if user < at && !inert(p[user+1:at]) || user == at && at-start >= 16 && !inert(p[start:at]) {
		f.add(start, at, Connection)
		f.mailDone = max(f.mailDone, at)
	}
}
