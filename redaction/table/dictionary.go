package table

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// dictionary numbers the series of a signal that has an attribute which is not
// dense, in the order in which they come, up to a limit. It is guarded by the
// signal's lock. A series once there stays as long as the table: its count
// must not fall back.
type dictionary struct {
	limit int
	// byKey finds a series by what senders say, without allocating; byTexts by
	// what reports say. They differ in hmac attributes, where the first has a
	// hash of this table and the second the install's.
	byKey   map[string]int32
	byTexts map[string]int32
	series  [][]string // the attributes' texts
	order   []int32    // the series sorted by their texts; rebuilt when shorter
}

func newDictionary(limit int) *dictionary {
	return &dictionary{limit: limit, byKey: map[string]int32{}, byTexts: map[string]int32{}}
}

// A key is, for each attribute:
//
//	dense   d digit:2
//	semver  t length:1 text        uuid likewise
//	hmac    h hash:16
//	any     c                      the constant of its otherwise
const maxKeyPart = 2 + policy.UUIDLength

// lookUp finds the series for the values that locate found on a point.
func (o *observer) lookUp(s *signal, found uint32) (int32, Reason) {
	for j := range s.attributes {
		if found&(1<<j) == 0 {
			if v, ok := o.resource.Get(s.attributes[j].key); ok {
				o.values[j] = v
				found |= 1 << j
			}
		}
	}
	key, ok := o.appendKey(s, found, false)
	if !ok {
		return 0, Attribute
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if cell, ok := s.dict.byKey[string(key)]; ok {
		return cell, located
	}
	// Not seen before: look closer, and see whether it is new then.
	if key, ok = o.appendKey(s, found, true); !ok {
		return 0, Attribute
	}
	if cell, ok := s.dict.byKey[string(key)]; ok {
		return cell, located
	}
	if len(s.dict.series) >= s.dict.limit {
		return 0, SeriesLimit
	}
	return s.add(string(key), o.texts(s, key)), located
}

// appendKey writes the point's key into the observer's buffer. Texts are
// checked only if check is set: those that are in the dictionary have been.
func (o *observer) appendKey(s *signal, found uint32, check bool) ([]byte, bool) {
	b := o.key[:0]
	for j := range s.attributes {
		a := &s.attributes[j]
		in := found&(1<<j) != 0
		if a.policy.Domain.Dense() {
			d := a.otherwise
			if in {
				d = a.digit(o.values[j])
			}
			if d < 0 {
				return nil, false
			}
			b = binary.LittleEndian.AppendUint16(append(b, 'd'), uint16(d))
			continue
		}
		if in && o.values[j].Type() == pcommon.ValueTypeStr {
			text := o.values[j].Str()
			if a.kind == policy.DomainHMAC {
				id := o.t.hasher.exact(text)
				b = binary.LittleEndian.AppendUint64(append(b, 'h'), id.hi)
				b = binary.LittleEndian.AppendUint64(b, id.lo)
				continue
			}
			if len(text) <= policy.UUIDLength && (!check || a.policy.Domain.Contains(text)) {
				b = append(append(b, 't', byte(len(text))), text...)
				continue
			}
		}
		if a.policy.Otherwise.Drop {
			return nil, false
		}
		b = append(b, 'c')
	}
	return b, true
}

// texts is what a report says for a key that was checked.
func (o *observer) texts(s *signal, key []byte) []string {
	texts := make([]string, len(s.attributes))
	for j := range s.attributes {
		a := &s.attributes[j]
		switch key[0] {
		case 'd':
			texts[j] = a.texts[binary.LittleEndian.Uint16(key[1:])]
			key = key[3:]
		case 't':
			texts[j] = string(key[2 : 2+key[1]])
			key = key[2+key[1]:]
		case 'h':
			texts[j] = keyed(s.hmacKey, o.values[j].Str())
			key = key[17:]
		default:
			texts[j] = a.policy.Otherwise.Constant
			key = key[1:]
		}
	}
	return texts
}

// keyed is what an hmac domain makes of a value.
func keyed(key []byte, value string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(value))
	return hex.EncodeToString(mac.Sum(nil)[:policy.HMACLength/2])
}

// add makes a series, or gives an existing one another key. Needs the lock.
func (s *signal) add(key string, texts []string) int32 {
	d := s.dict
	joined := strings.Join(texts, "\x00") // texts are printable
	cell, ok := d.byTexts[joined]
	if !ok {
		cell = int32(len(d.series))
		d.series = append(d.series, texts)
		d.byTexts[joined] = cell
		s.grow(len(d.series))
	}
	// Two keys of one series are rare: a constant that is also a value, or a
	// collision of the short hash. They must not be a way to grow.
	if len(d.byKey) < 2*d.limit {
		d.byKey[key] = cell
	}
	return cell
}

// sorted is the series in the order of a report. Needs the lock.
func (d *dictionary) sorted() []int32 {
	if len(d.order) != len(d.series) {
		d.order = d.order[:0]
		for i := range d.series {
			d.order = append(d.order, int32(i))
		}
		slices.SortFunc(d.order, func(a, b int32) int { return slices.Compare(d.series[a], d.series[b]) })
	}
	return d.order
}
