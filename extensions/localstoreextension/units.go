package localstoreextension

import (
	"fmt"
	"strconv"
	"time"

	"github.com/alecthomas/units"
	"github.com/prometheus/common/model"
)

// Duration is a time.Duration that a configuration may also write in days and
// weeks, as retentions are: "15d", "2w", "36h".
type Duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	if v, err := time.ParseDuration(string(text)); err == nil {
		*d = Duration(v)
		return nil
	}
	v, err := model.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("not a duration: write it as 36h, 15d or 2w")
	}
	*d = Duration(v)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Bytes is a number of bytes that a configuration may also write with a unit:
// "512MiB", "20GB".
type Bytes int64

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *Bytes) UnmarshalText(text []byte) error {
	if v, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		*b = Bytes(v)
		return nil
	}
	v, err := units.ParseStrictBytes(string(text))
	if err != nil {
		return fmt.Errorf("not a size: write it as a number of bytes, or as 512MiB or 20GB")
	}
	*b = Bytes(v)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (b Bytes) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(b), 10), nil }
