package mask

import "unsafe"

// step is how many places one turn of the scan looks at.
const step = 16

// scan walks over p once. Its inner loop is sixteen times the same line: the
// compiler does not unroll, and a branch per byte that is hardly ever taken
// costs less than to find the place again in sixteen.
//
// A line is full of short numbers, so that stretches of digits of no telling
// length are passed over here without a call.
func (m *Masker) scan(p []byte, f *found) {
	t0, t1, t2 := &m.table[0], &m.table[1], &m.table[2]
	base := unsafe.Pointer(unsafe.SliceData(p))
	for i := 0; ; {
		var h uint32
		for i+step+2 <= len(p) {
			w := (*[step + 2]byte)(unsafe.Add(base, i)) // as many are left
			if h = t0[w[0]] & t1[w[1]] & t2[w[2]]; h != 0 {
				break
			}
			if h = t0[w[1]] & t1[w[2]] & t2[w[3]]; h != 0 {
				i += 1
				break
			}
			if h = t0[w[2]] & t1[w[3]] & t2[w[4]]; h != 0 {
				i += 2
				break
			}
			if h = t0[w[3]] & t1[w[4]] & t2[w[5]]; h != 0 {
				i += 3
				break
			}
			if h = t0[w[4]] & t1[w[5]] & t2[w[6]]; h != 0 {
				i += 4
				break
			}
			if h = t0[w[5]] & t1[w[6]] & t2[w[7]]; h != 0 {
				i += 5
				break
			}
			if h = t0[w[6]] & t1[w[7]] & t2[w[8]]; h != 0 {
				i += 6
				break
			}
			if h = t0[w[7]] & t1[w[8]] & t2[w[9]]; h != 0 {
				i += 7
				break
			}
			if h = t0[w[8]] & t1[w[9]] & t2[w[10]]; h != 0 {
				i += 8
				break
			}
			if h = t0[w[9]] & t1[w[10]] & t2[w[11]]; h != 0 {
				i += 9
				break
			}
			if h = t0[w[10]] & t1[w[11]] & t2[w[12]]; h != 0 {
				i += 10
				break
			}
			if h = t0[w[11]] & t1[w[12]] & t2[w[13]]; h != 0 {
				i += 11
				break
			}
			if h = t0[w[12]] & t1[w[13]] & t2[w[14]]; h != 0 {
				i += 12
				break
			}
			if h = t0[w[13]] & t1[w[14]] & t2[w[15]]; h != 0 {
				i += 13
				break
			}
			if h = t0[w[14]] & t1[w[15]] & t2[w[16]]; h != 0 {
				i += 14
				break
			}
			if h = t0[w[15]] & t1[w[16]] & t2[w[17]]; h != 0 {
				i += 15
				break
			}
			i += step
		}
		if h == 0 { // the end of the line
			for ; i+3 <= len(p); i++ {
				if h = t0[p[i]] & t1[p[i+1]] & t2[p[i+2]]; h != 0 {
					break
				}
			}
			if h == 0 {
				return
			}
		}
		if h == 1<<digits {
			j := i + 3
			for j < len(p) && is(p[j], digit) {
				j++
			}
			if m.ofInterest>>(j-i)&1 == 0 {
				i = j - 2
				continue
			}
		}
		i = m.verify(p, i, h, f)
	}
}
