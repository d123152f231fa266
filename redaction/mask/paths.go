package mask

import (
	"unsafe"

	"github.com/tidwall/gjson"
)

// findPaths takes the values at the customer's paths in a JSON line. A line
// that is no JSON may still have something where a path points; it is taken.
func (m *Masker) findPaths(line []byte, f *found) {
	text := unsafe.String(unsafe.SliceData(line), len(line)) // not kept
	for _, path := range m.paths {
		r := gjson.Get(text, path)
		if !r.Exists() {
			continue
		}
		f.looked += len(line)
		if len(r.Indexes) == 0 {
			takeValue(line, r.Index, len(r.Raw), f)
			continue
		}
		// No ForEach: its closure would put the scan's state on the heap, for
		// all lines.
		for k, value := range r.Array() {
			if k < len(r.Indexes) {
				takeValue(line, r.Indexes[k], len(value.Raw), f)
			}
		}
	}
}

// takeValue leaves the quotes of a string where they are.
func takeValue(line []byte, i, n int, f *found) {
	if i <= 0 || n <= 0 || i+n > len(line) {
		return
	}
	end := i + n
	if line[i] == '"' {
		i++
		if end > i && line[end-1] == '"' {
			end--
		}
	}
	if end > i && !inert(line[i:end]) {
		f.add(i, end, Secret)
	}
}
