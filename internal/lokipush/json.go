package lokipush

import (
	"strconv"

	"github.com/weir-telemetry/weir/localstore/logstore"
)

// decodeJSON reads the JSON form in one pass. It is strict JSON; keys that the
// form does not have are skipped, known ones must have their type and occur
// once. The order of keys does not matter. encoding/json is the referee in the
// tests; it is not used here because it is several times slower, and gjson is
// not because nesting alone overflows its stack.
func decodeJSON(data []byte, limits Limits) ([]logstore.Stream, error) {
	d := jsonDecoder{scanner: scanner{buf: data}, limits: limits}
	seen := false
	err := d.object(func(key string) error {
		if key != "streams" {
			return d.skip(0)
		}
		if seen {
			return d.malformed("key given twice")
		}
		seen = true
		return d.array(d.stream)
	})
	if err != nil {
		return nil, err
	}
	if d.space(); d.pos != len(d.buf) {
		return nil, d.malformed("data after the end")
	}
	if !seen {
		return nil, d.malformed("no streams")
	}
	return d.streams, nil
}

type jsonDecoder struct {
	scanner
	limits  Limits
	streams []logstore.Stream
	entries int
	pairs   pairs
}

func (d *jsonDecoder) stream() error {
	if len(d.streams) >= d.limits.Streams {
		return tooLarge("streams", int64(d.limits.Streams))
	}
	var s logstore.Stream
	var hasLabels, hasValues bool
	start := d.pos
	err := d.object(func(key string) (err error) {
		switch key {
		case "stream":
			if hasLabels {
				return d.malformed("key given twice")
			}
			hasLabels = true
			if err := d.names(maxStreamLabels); err != nil {
				return err
			}
			s.Labels, err = d.pairs.stream(d.pos)
			return err
		case "values":
			if hasValues {
				return d.malformed("key given twice")
			}
			hasValues = true
			return d.array(func() error {
				if d.entries++; d.entries > d.limits.Entries {
					return tooLarge("entries", int64(d.limits.Entries))
				}
				e, err := d.entry()
				if err != nil {
					return err
				}
				s.Entries = append(s.Entries, e)
				return nil
			})
		default:
			return d.skip(0)
		}
	})
	if err != nil {
		return err
	}
	if !hasLabels {
		return malformed("stream without labels", start)
	}
	d.streams = append(d.streams, s)
	return nil
}

// entry reads ["<unix nanoseconds>", "<line>"] or the same with an object of
// structured metadata.
func (d *jsonDecoder) entry() (e logstore.Entry, err error) {
	i := 0
	err = d.array(func() (err error) {
		switch i++; i {
		case 1:
			start := d.pos
			var s string
			if s, err = d.str(); err != nil {
				return err
			}
			if e.Timestamp, err = strconv.ParseInt(s, 10, 64); err != nil {
				return malformed("timestamp", start)
			}
		case 2:
			e.Line, err = d.str()
		case 3:
			if err = d.names(maxMetadataPairs); err != nil {
				return err
			}
			e.Metadata, err = d.pairs.metadata(d.pos)
		default:
			err = d.malformed("entry of more than three parts")
		}
		return err
	})
	if err == nil && i < 2 {
		err = d.malformed("entry of less than two parts")
	}
	return e, err
}

// names reads an object of strings into d.pairs.
func (d *jsonDecoder) names(limit int) error {
	d.pairs.reset()
	return d.object(func(key string) error {
		if len(d.pairs.list) >= limit {
			return d.malformed("too many names")
		}
		value, err := d.str()
		if err != nil {
			return err
		}
		d.pairs.add(key, value)
		return nil
	})
}

// maxJSONDepth bounds what is skipped; the form itself is six deep.
const maxJSONDepth = 64

// skip passes over any value.
func (d *jsonDecoder) skip(depth int) error {
	if depth > maxJSONDepth {
		return d.malformed("nested too deeply")
	}
	switch d.peek() {
	case '{':
		return d.object(func(string) error { return d.skip(depth + 1) })
	case '[':
		return d.array(func() error { return d.skip(depth + 1) })
	case '"':
		_, err := d.str()
		return err
	case 't':
		return d.literal("true")
	case 'f':
		return d.literal("false")
	case 'n':
		return d.literal("null")
	default:
		return d.number()
	}
}
