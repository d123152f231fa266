package gateprocessor

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/weir-telemetry/weir/processors/gateprocessor/internal/metadata"
	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// Reasons beside those of redaction/gate.
const (
	policyUnknown gate.Reason = "policy_unknown" // its file is not configured here
	replayed      gate.Reason = "replayed"       // a sequence of the past that is not the report it was
)

type gateProcessor struct {
	component.StartFunc
	component.ShutdownFunc

	maxSkew   time.Duration
	policies  map[policy.Digest]*policy.Policy
	installs  *installs
	next      consumer.Metrics
	telemetry *metadata.TelemetryBuilder
	now       func() time.Time
}

func newGate(set processor.Settings, cfg *Config, next consumer.Metrics) (*gateProcessor, error) {
	policies, err := load(cfg.Policies)
	if err != nil {
		return nil, err
	}
	telemetry, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	g := &gateProcessor{
		maxSkew: cfg.MaxSkew, policies: withMeets(policies), next: next, telemetry: telemetry, now: time.Now,
		installs: newInstalls(maxInstalls),
	}
	telemetry.GatePolicies.Record(context.Background(), int64(len(policies)))
	return g, nil
}

// Capabilities: the incoming batch is only read.
func (*gateProcessor) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: false}
}

func (g *gateProcessor) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	now := g.now()
	p, err := g.check(md, now)
	if err != nil {
		return g.refuse(ctx, err)
	}
	r := readReport(md)
	// The install's lock is held while the report is passed on, so that one
	// that comes twice at once is passed on once.
	return g.installs.with(r.install, func(seen *history) error {
		switch seen.judge(r.sequence, r.time) {
		case already:
			g.telemetry.GateDuplicateReports.Add(ctx, 1)
			return nil
		case stale:
			return g.refuse(ctx, &gate.Refusal{Reason: replayed})
		}
		if err := g.next.ConsumeMetrics(ctx, admit(md, p, r, now)); err != nil {
			g.telemetry.GateFailedReports.Add(ctx, 1)
			return err
		}
		seen.add(r.sequence, r.time)
		g.telemetry.GateAcceptedReports.Add(ctx, 1)
		return nil
	}, func() { g.telemetry.GateForgottenInstalls.Add(ctx, 1) })
}

// check finds the policy that the report was made under and holds it against
// that.
func (g *gateProcessor) check(md pmetric.Metrics, now time.Time) (*policy.Policy, error) {
	if md.ResourceMetrics().Len() != 1 {
		return nil, &gate.Refusal{Reason: gate.ResourceCount}
	}
	value, ok := md.ResourceMetrics().At(0).Resource().Attributes().Get(gate.DigestAttribute)
	if !ok {
		return nil, &gate.Refusal{Reason: gate.PolicyDigest}
	}
	digest, err := policy.ParseDigest(value.Str())
	if err != nil {
		return nil, &gate.Refusal{Reason: gate.PolicyDigest}
	}
	p, ok := g.policies[digest]
	if !ok {
		return nil, &gate.Refusal{Reason: policyUnknown}
	}
	return p, gate.Check(p, md, gate.Facts{Now: now, MaxSkew: g.maxSkew})
}

// refuse counts the reason and answers with it. The status makes receivers say
// 400: a permanent error without one would be 500, and the sender could not
// tell it from a broken fleet.
func (g *gateProcessor) refuse(ctx context.Context, err error) error {
	reason := gate.Malformed
	var r *gate.Refusal
	if errors.As(err, &r) {
		reason = r.Reason
	}
	g.telemetry.GateRefusedReports.Add(ctx, 1, metric.WithAttributes(attribute.String("reason", string(reason))))
	return consumererror.NewPermanent(status.Error(codes.InvalidArgument, (&gate.Refusal{Reason: reason}).Error()))
}
