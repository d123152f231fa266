package lokipush

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/golang/snappy"
	"github.com/klauspost/compress/zstd"
)

// zstdWindow bounds what a frame's header can make the decoder allocate. The
// format's own recommendation to decoders is 8 MiB.
const zstdWindow = 8 << 20

// compressedPool holds buffers for bodies before they are decompressed. A
// buffer goes back as soon as it is decompressed; nothing aliases it.
var compressedPool = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxPooledBytes keeps one large request from holding its memory for ever.
const maxPooledBytes = 2 << 20

// ReadBody returns a body decompressed, for endpoints beside the push API that
// take the same encodings under the same limits. Its errors are [Decode]'s.
func ReadBody(contentEncoding string, body io.Reader, limits Limits) ([]byte, error) {
	return readEncoded(body, strings.ToLower(strings.TrimSpace(contentEncoding)), limits)
}

// readEncoded returns the decompressed body in a buffer of its own, which the
// caller may write to and alias.
//
// The compressed body is read first and whole: then errors of the sender's
// connection and errors in the data cannot be taken for each other, and snappy
// needs it so anyway.
func readEncoded(body io.Reader, encoding string, limits Limits) ([]byte, error) {
	if encoding == "" || encoding == "identity" {
		limit := min(limits.CompressedBytes, limits.DecompressedBytes)
		buf := new(bytes.Buffer)
		if err := readWire(buf, body, limit); err != nil {
			return nil, err
		}
		return buf.Bytes(), nil
	}

	buf := compressedPool.Get().(*bytes.Buffer)
	buf.Reset()
	defer func() {
		if buf.Cap() <= maxPooledBytes {
			compressedPool.Put(buf)
		}
	}()
	switch encoding {
	case "snappy", "gzip", "deflate", "zstd":
	default:
		return nil, fmt.Errorf("%w: want gzip, deflate, zstd or none", ErrUnsupported)
	}
	if err := readWire(buf, body, limits.CompressedBytes); err != nil {
		return nil, err
	}
	compressed := buf.Bytes()
	switch encoding {
	case "snappy":
		return decodeSnappy(compressed, limits.DecompressedBytes)
	case "gzip":
		r, err := gzip.NewReader(bytes.NewReader(compressed))
		if err != nil {
			return nil, fmt.Errorf("%w: gzip header", ErrMalformed)
		}
		return readDecompressed(r, "gzip", limits.DecompressedBytes)
	case "deflate":
		return decodeDeflate(compressed, limits.DecompressedBytes)
	default:
		return decodeZstd(compressed, limits.DecompressedBytes)
	}
}

// readWire fills buf with the body as it arrives, up to limit.
func readWire(buf *bytes.Buffer, body io.Reader, limit int64) error {
	n, err := buf.ReadFrom(io.LimitReader(body, limit+1))
	var tooLong *http.MaxBytesError
	switch {
	case n > limit:
		return tooLarge("bytes of body", limit)
	case errors.As(err, &tooLong):
		return tooLarge("bytes of body", tooLong.Limit)
	case err != nil:
		// The cause is the connection's, and may name its addresses.
		return ErrRead
	}
	return nil
}

func decodeSnappy(compressed []byte, limit int64) ([]byte, error) {
	// The length is checked before anything of that size is allocated.
	n, err := snappy.DecodedLen(compressed)
	if err != nil {
		return nil, fmt.Errorf("%w: snappy header", ErrMalformed)
	}
	if int64(n) > limit {
		return nil, tooLarge("bytes after decompression", limit)
	}
	// Snappy expands at most 64 bytes from 3. A header that claims more is a
	// lie that would otherwise cost an allocation of limit bytes.
	if n > 22*len(compressed) {
		return nil, fmt.Errorf("%w: snappy length", ErrMalformed)
	}
	out, err := snappy.Decode(nil, compressed)
	if err != nil {
		return nil, fmt.Errorf("%w: snappy data", ErrMalformed)
	}
	return out, nil
}

// decodeDeflate takes both readings of the word: RFC 9110 says zlib, Loki and
// many clients mean the bare format.
func decodeDeflate(compressed []byte, limit int64) ([]byte, error) {
	in := bytes.NewReader(compressed)
	if len(compressed) >= 2 && compressed[0]&0x0f == 8 &&
		(int(compressed[0])<<8|int(compressed[1]))%31 == 0 {
		r, err := zlib.NewReader(in)
		if err == nil {
			return readDecompressed(r, "zlib", limit)
		}
		in.Reset(compressed)
	}
	return readDecompressed(flate.NewReader(in), "deflate", limit)
}

func decodeZstd(compressed []byte, limit int64) ([]byte, error) {
	r, err := zstd.NewReader(bytes.NewReader(compressed),
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		return nil, fmt.Errorf("%w: zstd header", ErrMalformed)
	}
	defer r.Close()
	return readDecompressed(r, "zstd", limit)
}

func readDecompressed(r io.Reader, what string, limit int64) ([]byte, error) {
	var buf bytes.Buffer
	n, err := buf.ReadFrom(io.LimitReader(r, limit+1))
	if n > limit {
		return nil, tooLarge("bytes after decompression", limit)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s data", ErrMalformed, what)
	}
	return buf.Bytes(), nil
}
