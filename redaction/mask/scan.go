package mask

// step is how many places one turn of the scan looks at.
const step = 8

// scan walks over p once. Its inner loop is eight times the same three lines:
// the compiler does not unroll, and a branch per byte that is hardly ever taken
// costs less than to find the place again in eight.
func (m *Masker) scan(p []byte, f *found) {
	t := &m.table
	i := 0
	for i+step+2 <= len(p) {
		w := (*[step + 2]byte)(p[i:])
		a, b, c := t[w[0]], t[w[1]], t[w[2]]
		if h := a & (b >> lane) & (c >> (2 * lane)); h != 0 {
			i = m.verify(p, i, h, f)
			continue
		}
		a = t[w[3]]
		if h := b & (c >> lane) & (a >> (2 * lane)); h != 0 {
			i = m.verify(p, i+1, h, f)
			continue
		}
		b = t[w[4]]
		if h := c & (a >> lane) & (b >> (2 * lane)); h != 0 {
			i = m.verify(p, i+2, h, f)
			continue
		}
		c = t[w[5]]
		if h := a & (b >> lane) & (c >> (2 * lane)); h != 0 {
			i = m.verify(p, i+3, h, f)
			continue
		}
		a = t[w[6]]
		if h := b & (c >> lane) & (a >> (2 * lane)); h != 0 {
			i = m.verify(p, i+4, h, f)
			continue
		}
		b = t[w[7]]
		if h := c & (a >> lane) & (b >> (2 * lane)); h != 0 {
			i = m.verify(p, i+5, h, f)
			continue
		}
		c = t[w[8]]
		if h := a & (b >> lane) & (c >> (2 * lane)); h != 0 {
			i = m.verify(p, i+6, h, f)
			continue
		}
		a = t[w[9]]
		if h := b & (c >> lane) & (a >> (2 * lane)); h != 0 {
			i = m.verify(p, i+7, h, f)
			continue
		}
		i += step
	}
	for i+3 <= len(p) {
		if h := t[p[i]] & (t[p[i+1]] >> lane) & (t[p[i+2]] >> (2 * lane)); h != 0 {
			i = m.verify(p, i, h, f)
			continue
		}
		i++
	}
}
