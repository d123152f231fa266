package rehearsal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/weir-telemetry/weir/internal/canary"
)

// Inputs are the roads that Feed takes, in words.
var Inputs = []string{"OTLP over HTTP", "OTLP over gRPC", "Loki push", "a log file", "a Prometheus target"}

// Feed sends canaries in by every road, in every slot.
func (e *Edge) Feed(ctx context.Context) error {
	now := time.Now()
	logs := plogotlp.NewExportRequestFromLogs(canary.Logs(now))
	metrics := pmetricotlp.NewExportRequestFromMetrics(canary.Metrics(now, 3))
	traces := ptraceotlp.NewExportRequestFromTraces(canary.Traces(now))
	var faults []error
	for path, marshal := range map[string]func() ([]byte, error){
		"/v1/logs": logs.MarshalProto, "/v1/metrics": metrics.MarshalProto, "/v1/traces": traces.MarshalProto,
	} {
		body, err := marshal()
		if err != nil {
			return err
		}
		faults = append(faults, e.post(ctx, "http://"+OTLPHTTP+path, "application/x-protobuf", body))
	}
	push := fmt.Sprintf(`{"streams":[{"stream":{"job":"pushed","%s":"%s"},"values":[["%d","%s",{"%s":"%s"}]]}]}`,
		canary.Slot("push_label"), canary.Slot("push_value"), now.UnixNano(), canary.Slot("push_line"), canary.Slot("push_meta"), canary.Slot("push_meta_value"))
	faults = append(faults,
		e.post(ctx, "http://"+API+"/loki/api/v1/push", "application/json", []byte(push)),
		e.feedGRPC(ctx, logs, metrics, traces),
		appendFile(filepath.Join(e.Dir, "logs", "shop.log"), canary.Slot("file_line")+" level=info\n"))
	return errors.Join(faults...)
}

func (e *Edge) post(ctx context.Context, to, kind string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("User-Agent", canary.Slot("user_agent"))
	req.Header.Set("Baggage", "k="+canary.Slot("baggage"))
	req.Header.Set("Traceparent", "00-"+canary.TraceID.String()+"-"+canary.SpanID.String()+"-01")
	resp, err := e.Client().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s answers %s", req.URL.Path, resp.Status)
	}
	return nil
}

func (e *Edge) feedGRPC(ctx context.Context, logs plogotlp.ExportRequest, metrics pmetricotlp.ExportRequest, traces ptraceotlp.ExportRequest) error {
	conn, err := grpc.NewClient("passthrough:///"+OTLPGRPC, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy(),
		grpc.WithContextDialer(func(_ context.Context, addr string) (net.Conn, error) { return e.Lab.DialNear(addr) }))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(ctx, "canary", canary.Slot("grpc_metadata")), 10*time.Second)
	defer cancel()
	_, lerr := plogotlp.NewGRPCClient(conn).Export(ctx, logs)
	_, merr := pmetricotlp.NewGRPCClient(conn).Export(ctx, metrics)
	_, terr := ptraceotlp.NewGRPCClient(conn).Export(ctx, traces)
	return errors.Join(lerr, merr, terr)
}

// ServeTarget answers scrapes with canaries until it is closed.
func (e *Edge) ServeTarget() (io.Closer, error) {
	l, err := e.Lab.ListenNear(Target)
	if err != nil {
		return nil, err
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprintf(w, "# HELP %[1]s_scraped %[1]s_help\n# TYPE %[1]s_scraped gauge\n%[1]s_scraped{%[1]s_label=\"%[1]s_value\"} 1\n", canary.Mark)
	})}
	go func() { _ = s.Serve(l) }()
	return s, nil
}

func appendFile(name, text string) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
