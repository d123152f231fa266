package lokipush

import (
	"math"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/weir-telemetry/weir/localstore/logstore"
)

// decodeProtobuf reads logproto.PushRequest:
//
//	PushRequest { repeated Stream streams = 1; }
//	Stream      { string labels = 1; repeated Entry entries = 2; }
//	Entry       { Timestamp timestamp = 1; string line = 2;
//	              repeated Pair structuredMetadata = 3; }
//	Pair        { string name = 1; string value = 2; }
//	Timestamp   { int64 seconds = 1; int32 nanos = 2; }
//
// It is written by hand instead of taking github.com/grafana/loki/pkg/push's
// own because there two bytes on the wire (an empty entry) become 88 in memory
// before anybody can count, and because lines need not be copied. That package
// is the referee in the tests.
func decodeProtobuf(data []byte, limits Limits) ([]logstore.Stream, error) {
	d := decoder{base: data, limits: limits}
	n, err := d.count(data, 1)
	if err != nil {
		return nil, err
	}
	if n > limits.Streams {
		return nil, tooLarge("streams", int64(limits.Streams))
	}
	d.streams = make([]logstore.Stream, 0, n)
	err = d.fields(data, func(num protowire.Number, _ uint64, val []byte) error {
		if num != 1 {
			return nil
		}
		if val == nil {
			return d.malformed("field type", data)
		}
		return d.stream(val)
	})
	if err != nil {
		return nil, err
	}
	return d.streams, nil
}

type decoder struct {
	base    []byte
	limits  Limits
	streams []logstore.Stream
	entries int
	pairs   pairs
}

// offset is where a part of the body starts.
func (d *decoder) offset(part []byte) int { return cap(d.base) - cap(part) }

func (d *decoder) malformed(what string, at []byte) error { return malformed(what, d.offset(at)) }

// fields calls visit for each field of a message: val is nil for numbers and
// not nil for everything that has a length. Fixed-size fields and groups, of
// which the schema has none, are skipped.
func (d *decoder) fields(msg []byte, visit func(num protowire.Number, u uint64, val []byte) error) error {
	for len(msg) > 0 {
		num, typ, n := protowire.ConsumeTag(msg)
		if n < 0 {
			return d.malformed("protobuf tag", msg)
		}
		field := msg
		msg = msg[n:]
		var u uint64
		var val []byte
		switch typ {
		case protowire.BytesType:
			val, n = protowire.ConsumeBytes(msg)
		case protowire.VarintType:
			u, n = protowire.ConsumeVarint(msg)
		default:
			n = protowire.ConsumeFieldValue(num, typ, msg)
			num = 0
		}
		if n < 0 {
			return d.malformed("protobuf field", field)
		}
		msg = msg[n:]
		if num == 0 {
			continue
		}
		if err := visit(num, u, val); err != nil {
			return err
		}
	}
	return nil
}

// count says how often a field occurs, so that memory is allocated once and
// only after the limits have had their say.
func (d *decoder) count(msg []byte, field protowire.Number) (int, error) {
	n := 0
	err := d.fields(msg, func(num protowire.Number, _ uint64, val []byte) error {
		if num == field && val != nil {
			n++
		}
		return nil
	})
	return n, err
}

func (d *decoder) stream(msg []byte) error {
	n, err := d.count(msg, 2)
	if err != nil {
		return err
	}
	if d.entries += n; d.entries > d.limits.Entries {
		return tooLarge("entries", int64(d.limits.Entries))
	}
	var labels []byte
	s := logstore.Stream{Entries: make([]logstore.Entry, 0, n)}
	err = d.fields(msg, func(num protowire.Number, _ uint64, val []byte) error {
		if (num == 1 || num == 2) && val == nil {
			return d.malformed("field type", msg)
		}
		switch num {
		case 1:
			labels = val
		case 2:
			e, err := d.entry(val)
			if err != nil {
				return err
			}
			s.Entries = append(s.Entries, e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if s.Labels, err = d.pairs.parseStreamLabels(alias(labels), d.offset(msg)); err != nil {
		return err
	}
	d.streams = append(d.streams, s)
	return nil
}

func (d *decoder) entry(msg []byte) (e logstore.Entry, err error) {
	d.pairs.reset()
	err = d.fields(msg, func(num protowire.Number, _ uint64, val []byte) error {
		if num >= 1 && num <= 3 && val == nil {
			return d.malformed("field type", msg)
		}
		switch num {
		case 1:
			e.Timestamp, err = d.timestamp(val)
			return err
		case 2:
			e.Line = alias(val)
		case 3:
			if len(d.pairs.list) >= maxMetadataPairs {
				return d.malformed("too much structured metadata", msg)
			}
			name, value, err := d.pair(val)
			if err != nil {
				return err
			}
			d.pairs.add(name, value)
		}
		return nil
	})
	if err != nil {
		return e, err
	}
	e.Metadata, err = d.pairs.metadata(d.offset(msg))
	return e, err
}

func (d *decoder) pair(msg []byte) (name, value string, err error) {
	err = d.fields(msg, func(num protowire.Number, _ uint64, val []byte) error {
		if (num == 1 || num == 2) && val == nil {
			return d.malformed("field type", msg)
		}
		switch num {
		case 1:
			name = alias(val)
		case 2:
			value = alias(val)
		}
		return nil
	})
	return name, value, err
}

// timestamp refuses what nanoseconds in an int64 cannot hold (years before
// 1677 and after 2262) instead of letting it wrap around.
func (d *decoder) timestamp(msg []byte) (int64, error) {
	var seconds, nanos int64
	err := d.fields(msg, func(num protowire.Number, u uint64, val []byte) error {
		if (num == 1 || num == 2) && val != nil {
			return d.malformed("field type", msg)
		}
		switch num {
		case 1:
			seconds = int64(u)
		case 2:
			nanos = int64(int32(u))
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	const maxSeconds = math.MaxInt64/1_000_000_000 - 1
	if seconds > maxSeconds || seconds < -maxSeconds || nanos < 0 || nanos > 999_999_999 {
		return 0, d.malformed("timestamp", msg)
	}
	return seconds*1e9 + nanos, nil
}

// alias is the bytes as a string, without a copy. The body is never written to
// after the part has been read.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
