// Package lokipush reads and writes the bodies of Loki's push request,
// POST /loki/api/v1/push.
//
// Two forms exist. The protobuf form (application/x-protobuf, and what a
// request without Content-Type means) is logproto.PushRequest in snappy's block
// format, without a Content-Encoding. The JSON form (application/json) is
//
//	{"streams": [{"stream": {"label": "value"},
//	              "values": [["<unix nanoseconds>", "<line>", {"name": "value"}]]}]}
//
// plain or with Content-Encoding gzip, deflate or zstd.
//
// It promises that a body costs memory in proportion to [Limits], whatever it
// claims about itself; that a refusal is one of the sentinels below and says at
// which byte of the decompressed body, but never which; that lines come through
// byte for byte, valid UTF-8 or not.
//
// It does not judge timestamps, the lengths of lines, labels and metadata, or the
// number of streams in a store: that is the store's to do, entry by entry.
//
// Strings of the result share the decompressed body's memory, so that an entry
// kept for long should be copied.
package lokipush

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"

	"github.com/weir-telemetry/weir/localstore/logstore"
)

// Path is where Loki takes pushes.
const Path = "/loki/api/v1/push"

// Content types of the two forms.
const (
	ContentTypeProtobuf = "application/x-protobuf"
	ContentTypeJSON     = "application/json"
)

var (
	// ErrMalformed: the body is not what its headers say. HTTP 400.
	ErrMalformed = errors.New("malformed push request")
	// ErrTooLarge: a limit is exceeded. HTTP 413.
	ErrTooLarge = errors.New("push request too large")
	// ErrUnsupported: no such content type or encoding. HTTP 415.
	ErrUnsupported = errors.New("unsupported content type or encoding")
	// ErrRead: the body could not be read to its end; the sender went away or
	// was too slow.
	ErrRead = errors.New("push request not read to its end")
)

// Limits bound what one request may cost.
type Limits struct {
	// CompressedBytes is the size of the body as it arrives.
	CompressedBytes int64
	// DecompressedBytes is the size of the body as it is decoded.
	DecompressedBytes int64
	// Streams and Entries are counts over the whole request.
	Streams, Entries int
}

// NewDefaultLimits is generous for every agent that pushes to Loki (their
// batches are of 1 MiB, few of 10 MB) and bounded for everybody else.
func NewDefaultLimits() Limits {
	return Limits{
		CompressedBytes:   8 << 20,
		DecompressedBytes: 32 << 20,
		Streams:           10_000,
		Entries:           100_000,
	}
}

// Beyond these a body is taken for nonsense. They are far above what the store
// takes: it refuses single streams and entries with a reason, where a refusal here
// costs the sender a whole batch. Names and values of 16 MiB would not fit the
// labels' own encoding.
const (
	maxStreamLabels  = 1024
	maxLabelsBytes   = 1 << 20
	maxMetadataPairs = 4096
	maxMetadataBytes = 8 << 20 // of a name or a value
)

// Decode reads one push request. The two strings are the request's headers of
// these names. The error is nil or wraps one of the sentinels of this package.
func Decode(contentType, contentEncoding string, body io.Reader, limits Limits) ([]logstore.Stream, error) {
	media := ContentTypeProtobuf
	if contentType != "" {
		m, _, err := mime.ParseMediaType(contentType)
		if err != nil {
			return nil, fmt.Errorf("%w: content type cannot be parsed", ErrUnsupported)
		}
		media = m
	}
	encoding := strings.ToLower(strings.TrimSpace(contentEncoding))
	switch media {
	case ContentTypeJSON:
		data, err := readEncoded(body, encoding, limits)
		if err != nil {
			return nil, err
		}
		return decodeJSON(data, limits)
	case ContentTypeProtobuf:
		// Loki's agents name no encoding although the body is compressed;
		// some others say snappy.
		if encoding != "" && encoding != "snappy" {
			return nil, fmt.Errorf("%w: protobuf is compressed with snappy and nothing else", ErrUnsupported)
		}
		data, err := readEncoded(body, "snappy", limits)
		if err != nil {
			return nil, err
		}
		return decodeProtobuf(data, limits)
	default:
		return nil, fmt.Errorf("%w: want application/json or application/x-protobuf", ErrUnsupported)
	}
}

// malformed is a refusal with its place. what is one of our own constants.
func malformed(what string, offset int) error {
	return fmt.Errorf("%w: %s at byte %d", ErrMalformed, what, offset)
}

// tooLarge is a refusal with the limit that was met.
func tooLarge(what string, limit int64) error {
	return fmt.Errorf("%w: more than %d %s", ErrTooLarge, limit, what)
}
