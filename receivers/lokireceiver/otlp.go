package lokireceiver

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/weir-telemetry/weir/internal/lokipush"
)

// otlpPath is where Loki takes OTLP. What comes here passes into the pipeline
// as it is.
const otlpPath = "/otlp/v1/logs"

// otlpEndpoint is OTLP over HTTP, as its specification says. It is here so that
// an exporter that was made for Loki needs another host and nothing else.
var otlpEndpoint = endpoint{
	decode: decodeOTLP,
	taken: func(w http.ResponseWriter, req *http.Request) {
		if media(req) == lokipush.ContentTypeJSON {
			writeOTLP(w, http.StatusOK, lokipush.ContentTypeJSON, []byte("{}"))
			return
		}
		writeOTLP(w, http.StatusOK, lokipush.ContentTypeProtobuf, nil) // an empty message has no bytes
	},
	refuse: func(w http.ResponseWriter, req *http.Request, f refusal) {
		// google.rpc.Status {int32 code = 1; string message = 2}
		code := statusOf(f.code)
		if media(req) == lokipush.ContentTypeJSON {
			b, err := json.Marshal(struct {
				Code    codes.Code `json:"code"`
				Message string     `json:"message"`
			}{code, f.text})
			if err == nil {
				writeOTLP(w, f.code, lokipush.ContentTypeJSON, b)
			}
			return
		}
		b := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(code))
		b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), f.text)
		writeOTLP(w, f.code, lokipush.ContentTypeProtobuf, b)
	},
}

func statusOf(code int) codes.Code {
	switch code {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return codes.Unavailable
	case http.StatusInternalServerError:
		return codes.Internal
	}
	return codes.InvalidArgument
}

func writeOTLP(w http.ResponseWriter, code int, media string, body []byte) {
	w.Header().Set("Content-Type", media)
	w.WriteHeader(code)
	_, _ = w.Write(body) // an error means that the sender is gone
}

func media(req *http.Request) string {
	m, _, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return m
}

// bounded counts messages before they are decoded: two bytes of an empty record
// become a hundred times as many. JSON needs more bytes for one.
//
//	ExportLogsServiceRequest { repeated ResourceLogs = 1; }
//	ResourceLogs             { repeated ScopeLogs = 2; }
//	ScopeLogs                { repeated LogRecord = 2; }
func bounded(body []byte, limits lokipush.Limits) error {
	groups, records := 0, 0
	eachMessage(body, 1, func(resource []byte) {
		groups++
		eachMessage(resource, 2, func(scope []byte) {
			groups++
			eachMessage(scope, 2, func([]byte) { records++ })
		})
	})
	if groups > 2*limits.Streams {
		return fmt.Errorf("%w: more than %d resources and scopes", lokipush.ErrTooLarge, 2*limits.Streams)
	}
	if records > limits.Entries {
		return fmt.Errorf("%w: more than %d entries", lokipush.ErrTooLarge, limits.Entries)
	}
	return nil
}

// eachMessage visits the messages under one field; it stops at what is no
// protobuf, which the decoder will refuse.
func eachMessage(body []byte, field protowire.Number, visit func([]byte)) {
	for len(body) > 0 {
		num, typ, n := protowire.ConsumeTag(body)
		if n < 0 {
			return
		}
		body = body[n:]
		if num == field && typ == protowire.BytesType {
			inner, n := protowire.ConsumeBytes(body)
			if n < 0 {
				return
			}
			visit(inner)
			body = body[n:]
			continue
		}
		if n = protowire.ConsumeFieldValue(num, typ, body); n < 0 {
			return
		}
		body = body[n:]
	}
}

func decodeOTLP(req *http.Request, limits lokipush.Limits) (plog.Logs, error) {
	m := media(req)
	if m != lokipush.ContentTypeJSON && m != lokipush.ContentTypeProtobuf {
		return plog.Logs{}, fmt.Errorf("%w: want application/json or application/x-protobuf", lokipush.ErrUnsupported)
	}
	body, err := lokipush.ReadBody(req.Header.Get("Content-Encoding"), req.Body, limits)
	if err != nil {
		return plog.Logs{}, err
	}
	if m == lokipush.ContentTypeProtobuf {
		if err := bounded(body, limits); err != nil {
			return plog.Logs{}, err
		}
	}
	r := plogotlp.NewExportRequest()
	if m == lokipush.ContentTypeJSON {
		err = r.UnmarshalJSON(body)
	} else {
		err = r.UnmarshalProto(body)
	}
	if err != nil {
		// The cause may quote the body.
		return plog.Logs{}, fmt.Errorf("%w: not an OTLP export request", lokipush.ErrMalformed)
	}
	if n := r.Logs().LogRecordCount(); n > limits.Entries {
		return plog.Logs{}, fmt.Errorf("%w: more than %d entries", lokipush.ErrTooLarge, limits.Entries)
	}
	return r.Logs(), nil
}
