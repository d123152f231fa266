package ledger

import "bytes"

func LedgerDigest(b []byte) [32]byte { return digest(b) }

// ReadFrames is the frame reader over bytes, for the fuzzer: it returns the
// frames' records and the offset and reason of the end.
func ReadFrames(b []byte) (records []Record, encoded []byte, end int64, err error) {
	w := &window{r: bytes.NewReader(b), size: int64(len(b))}
	for {
		f, err := readFrame(w, end)
		if err != nil {
			return records, encoded, end, err
		}
		r, err := decodeFrame(f)
		if err != nil {
			return records, encoded, end, err
		}
		records = append(records, r)
		encoded = appendFrame(encoded, &r)
		end = f.next
	}
}

// AppendFrame encodes a record as it lies in a segment.
func AppendFrame(dst []byte, r Record) []byte { return appendFrame(dst, &r) }

// Err values of ReadFrames.
var ErrTorn = errTorn

// HeaderOf is the record's header, the leaf.
func HeaderOf(r Record) []byte { return appendHeader(nil, &r) }
