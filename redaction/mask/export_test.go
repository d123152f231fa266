package mask

// Stretch is a span for tests outside of the package.
type Stretch struct {
	Start, End int
	Family     Family
}

// Stretches is what the first look at a line finds.
func (m *Masker) Stretches(line []byte) (out []Stretch) {
	f := found{grow: true}
	m.find(line, &f)
	for _, s := range f.more {
		out = append(out, Stretch{s.start, s.end, s.family})
	}
	return out
}

// Looked is how many bytes are looked at beside the scan.
func (m *Masker) Looked(line []byte) int {
	f := found{grow: true}
	m.find(line, &f)
	return f.looked
}

// Once is the line after one look.
func (m *Masker) Once(line []byte) []byte {
	f := found{grow: true}
	m.find(line, &f)
	return emit(nil, line, f.more, nil)
}
