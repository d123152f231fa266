package mask

import "unsafe"

const (
	chunk = 512 // bytes that both scans go over before the next
	step  = 16  // bytes that one turn of the table's scan goes on
)

// scan walks over p once with each of the two scans, chunk by chunk, so that
// spans are found nearly in order.
func (m *Masker) scan(p []byte, f *found) {
	i := 0
	for from := 0; from < len(p); from += chunk {
		to := min(from+chunk, len(p))
		if m.wantsNumbers {
			m.scanNumbers(p, from, to, f)
		}
		i = m.scanTable(p, i, to, f)
	}
}

// scanTable looks at every second place from i on, at least to to, and returns
// where to go on. Its inner loop is eight times the same line: the compiler does
// not unroll, and a branch that is hardly ever taken costs less than to find the
// place again in eight.
func (m *Masker) scanTable(p []byte, i, to int, f *found) int {
	t0, t1, t2 := &m.table[0], &m.table[1], &m.table[2]
	base := unsafe.Pointer(unsafe.SliceData(p))
	last := min(to, len(p)-step)
	for {
		var h uint64
		for i < last {
			w := (*[step + 1]byte)(unsafe.Add(base, i)) // as many are left
			if h = t0[w[0]] & t1[w[1]] & t2[w[2]]; h != 0 {
				break
			}
			if h = t0[w[2]] & t1[w[3]] & t2[w[4]]; h != 0 {
				i += 2
				break
			}
			if h = t0[w[4]] & t1[w[5]] & t2[w[6]]; h != 0 {
				i += 4
				break
			}
			if h = t0[w[6]] & t1[w[7]] & t2[w[8]]; h != 0 {
				i += 6
				break
			}
			if h = t0[w[8]] & t1[w[9]] & t2[w[10]]; h != 0 {
				i += 8
				break
			}
			if h = t0[w[10]] & t1[w[11]] & t2[w[12]]; h != 0 {
				i += 10
				break
			}
			if h = t0[w[12]] & t1[w[13]] & t2[w[14]]; h != 0 {
				i += 12
				break
			}
			if h = t0[w[14]] & t1[w[15]] & t2[w[16]]; h != 0 {
				i += 14
				break
			}
			i += step
		}
		if h == 0 { // what is left of the line, or of the chunk
			for ; i+3 <= len(p) && i < to; i += 2 {
				if h = t0[p[i]] & t1[p[i+1]] & t2[p[i+2]]; h != 0 {
					break
				}
			}
			if h == 0 {
				return i
			}
		}
		m.verify(p, i, h, f)
		i += 2
	}
}
