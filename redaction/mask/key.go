package mask

// Key says whether name is one whose value is masked, for those who have names
// and values apart, such as a record's attributes. A path is compared as a whole
// name.
func (m *Masker) Key(name string) bool {
	for _, path := range m.paths {
		if path == name {
			return true
		}
	}
	p := []byte(name)
	for i := range m.keys {
		k := &m.keys[i]
		if start := len(p) - len(k.text); start >= 0 && k.names(p, start) {
			return true
		}
	}
	return false
}

// names says that the key stands from start to the name's end, as findPair
// would have it.
func (l *literal) names(p []byte, start int) bool {
	for i, want := range []byte(l.text) {
		if fold[p[start+i]] != want {
			return false
		}
	}
	return l.key.begins(p, start)
}

// begins says whether a key may begin at start.
func (k *keyRule) begins(p []byte, start int) bool {
	if edge(p, start-1) {
		return true
	}
	return !k.whole && (!k.short || p[start-1] == '_' || is(p[start], upper) && is(p[start-1], lower|digit))
}
