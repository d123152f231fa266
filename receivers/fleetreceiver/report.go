package fleetreceiver

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"strings"

	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/weir-telemetry/weir/fleet/identity"
)

// Attributes of the sender in client.Info.
const (
	installAttribute  = "weir.install.id"
	customerAttribute = "weir.customer"
)

// sender is the client.AuthData of a verified install.
type sender struct{ peer identity.Peer }

func (s sender) GetAttribute(name string) any {
	switch name {
	case installAttribute:
		return s.peer.Install
	case customerAttribute:
		return s.peer.Customer
	}
	return nil
}

func (s sender) GetAttributeNames() []string { return []string{installAttribute, customerAttribute} }

// errNotTaken stands in where the collector's own telemetry wants the error: the
// real one may quote data.
var errNotTaken = errors.New("the report was not taken")

// report takes one. Who sends is settled before a byte of the body is read.
func (r *fleetReceiver) report(w http.ResponseWriter, req *http.Request) (string, error) {
	var peer identity.Peer
	info := client.Info{Addr: remote(req)}
	if r.door != nil {
		v, err := r.peer(req)
		if err != nil {
			return "", err
		}
		if err := r.door.Admit(v); err != nil {
			r.logFault(err)
			return v.Install, err
		}
		// One at a time: an edge sends no more, and whoever does can hold up
		// nobody but itself.
		if !r.busy.Take(v.Install) {
			return v.Install, &refusal{status: http.StatusTooManyRequests, reason: reasonBusy, retry: true}
		}
		defer r.busy.Give(v.Install)
		peer = v.Peer
		info.Auth = sender{peer}
	}
	body, done, err := r.body(req, "application/x-protobuf", r.cfg.MaxReportSize)
	if err != nil {
		return peer.Install, err
	}
	defer done()
	md, err := decode(body)
	if err != nil {
		return peer.Install, err
	}
	if err := r.pass(client.NewContext(req.Context(), info), md); err != nil {
		return peer.Install, err
	}
	if text := req.Header.Get(statementHeader); text != "" && r.door != nil {
		receipt, err := r.receipt(req.Context(), text, body, peer)
		if err != nil {
			return peer.Install, err
		}
		if receipt != "" {
			w.Header().Set(receiptHeader, receipt)
		}
	}
	answer, _ := pmetricotlp.NewExportResponse().MarshalProto() // empty: cannot fail
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(answer)
	return "", nil
}

// decode reads a report and refuses every spelling of it but the one that Weir
// writes, which is also what its hash in the ledger is of.
func decode(body []byte) (pmetric.Metrics, error) {
	md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(body)
	if err != nil {
		return md, &refusal{status: http.StatusBadRequest, reason: reasonMalformed} // the parser's words may quote the data
	}
	again, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
	if err != nil || !bytes.Equal(body, again) {
		return md, &refusal{status: http.StatusBadRequest, reason: reasonCanonical}
	}
	return md, nil
}

// pass hands the report down the pipeline and reads from the error what to
// answer.
func (r *fleetReceiver) pass(ctx context.Context, md pmetric.Metrics) error {
	ctx = r.obs.StartMetricsOp(ctx)
	points := md.DataPointCount()
	err := r.metrics.ConsumeMetrics(ctx, md)
	if err == nil {
		r.obs.EndMetricsOp(ctx, "otlp", points, nil)
		return nil
	}
	r.obs.EndMetricsOp(ctx, "otlp", points, errNotTaken)
	s, ok := status.FromError(err)
	if !ok {
		return &refusal{status: http.StatusServiceUnavailable, reason: reasonUnavailable, retry: true}
	}
	// The gate's words are out of a closed set; nobody else speaks in these codes.
	switch s.Code() {
	case codes.InvalidArgument:
		return &refusal{status: http.StatusBadRequest, reason: reasonReport, text: short(s.Message())}
	case codes.Unauthenticated:
		return &refusal{status: http.StatusUnauthorized, reason: reasonReport, text: short(s.Message())}
	case codes.PermissionDenied:
		return &refusal{status: http.StatusForbidden, reason: reasonReport, text: short(s.Message())}
	default:
		return &refusal{status: http.StatusServiceUnavailable, reason: reasonUnavailable, retry: true}
	}
}

func short(text string) string {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	return text[:min(len(text), 200)]
}

func remote(req *http.Request) net.Addr {
	if a, err := net.ResolveTCPAddr("tcp", req.RemoteAddr); err == nil {
		return a
	}
	return nil
}

// logFault writes down what the operator has to mend: the shared folder, above
// all. What was refused is only counted.
func (r *fleetReceiver) logFault(err error) {
	var refused *identity.Refused
	if !errors.As(err, &refused) {
		r.set.Logger.Error("The fleet's state folder cannot be used: senders are told to try again", zap.Error(err))
	}
}
