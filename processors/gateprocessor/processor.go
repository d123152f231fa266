package gateprocessor

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/weir-telemetry/weir/internal/bounded"
	"github.com/weir-telemetry/weir/processors/gateprocessor/internal/metadata"
	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// Reasons beside those of redaction/gate.
const (
	policyUnknown    gate.Reason = "policy_unknown"    // its file is not configured here
	replayed         gate.Reason = "replayed"          // of the past, and not the report it was
	identityMissing  gate.Reason = "identity_missing"  // no receiver says who sent it
	identityMismatch gate.Reason = "identity_mismatch" // it claims to be another install's
)

// installAttribute is where a receiver says who sent, see client.Info.
const installAttribute = "weir.install.id"

// maxLabels is how many installs are told apart in own metrics.
const maxLabels = 1000

type gateProcessor struct {
	maxSkew         time.Duration
	poll            time.Duration
	requireIdentity bool
	policies        *revisions
	installs        *installs
	labels          *bounded.Labels
	next            consumer.Metrics
	telemetry       *metadata.TelemetryBuilder
	logger          *zap.Logger
	now             func() time.Time

	stop chan struct{}
	done sync.WaitGroup
}

func newGate(set processor.Settings, cfg *Config, next consumer.Metrics) (*gateProcessor, error) {
	policies, err := newRevisions(cfg.Policies)
	if err != nil {
		return nil, err
	}
	telemetry, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	g := &gateProcessor{
		maxSkew: cfg.MaxSkew, poll: cfg.PollInterval, requireIdentity: cfg.RequireIdentity,
		policies: policies, next: next, telemetry: telemetry, logger: set.Logger, now: time.Now,
		installs: newInstalls(maxInstalls), labels: bounded.NewLabels(maxLabels), stop: make(chan struct{}),
	}
	telemetry.GatePolicies.Record(context.Background(), int64(policies.count()))
	return g, nil
}

// Start watches the policies.
func (g *gateProcessor) Start(context.Context, component.Host) error {
	g.done.Go(func() {
		tick := time.NewTicker(g.poll)
		defer tick.Stop()
		for {
			select {
			case <-g.stop:
				return
			case <-tick.C:
				g.look()
			}
		}
	})
	return nil
}

// look takes in what has changed. What is wrong with a policy is no telemetry
// and may be said.
func (g *gateProcessor) look() {
	changed, err := g.policies.look()
	if err != nil {
		g.logger.Error("A policy cannot be used; what was known of it stays", zap.Error(err))
	}
	if changed {
		n := g.policies.count()
		g.telemetry.GatePolicies.Record(context.Background(), int64(n))
		g.logger.Info("Policies have changed", zap.Int("policies", n))
	}
}

// Shutdown ends the watch.
func (g *gateProcessor) Shutdown(context.Context) error {
	close(g.stop)
	g.done.Wait()
	return nil
}

// Capabilities: the incoming batch is only read.
func (*gateProcessor) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: false}
}

func (g *gateProcessor) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	now := g.now()
	sender := senderOf(ctx)
	p, err := g.check(md, sender, now)
	if errors.Is(err, errPending) {
		g.telemetry.GateFailedReports.Add(ctx, 1)
		return status.Error(codes.Unavailable, err.Error())
	}
	if err != nil {
		return g.refuse(ctx, err, sender)
	}
	r := readReport(md)
	// The install's lock is held while the report is passed on, so that one
	// that comes twice at once is passed on once.
	return g.installs.with(r.install, func(seen *history) error {
		place := seen.judge(r.sequence, r.time)
		switch place {
		case already:
			g.telemetry.GateDuplicateReports.Add(ctx, 1)
			return nil
		case stale:
			return g.refuse(ctx, &gate.Refusal{Reason: replayed}, sender)
		}
		if err := g.next.ConsumeMetrics(ctx, admit(md, p, r, now)); err != nil {
			g.telemetry.GateFailedReports.Add(ctx, 1)
			return err
		}
		if place == restarted {
			g.telemetry.GateRestartedInstalls.Add(ctx, 1)
		}
		seen.add(r.sequence, r.time)
		g.telemetry.GateAcceptedReports.Add(ctx, 1)
		return nil
	}, func() { g.telemetry.GateForgottenInstalls.Add(ctx, 1) })
}

// senderOf is the install that a receiver has recognised, or empty.
func senderOf(ctx context.Context) string {
	if auth := client.FromContext(ctx).Auth; auth != nil {
		id, _ := auth.GetAttribute(installAttribute).(string)
		return id
	}
	return ""
}

// check holds the report against its sender, finds the policy that it was made
// under and holds it against that.
func (g *gateProcessor) check(md pmetric.Metrics, sender string, now time.Time) (*policy.Policy, error) {
	if sender == "" && g.requireIdentity {
		return nil, &gate.Refusal{Reason: identityMissing}
	}
	if md.ResourceMetrics().Len() != 1 {
		return nil, &gate.Refusal{Reason: gate.ResourceCount}
	}
	resource := md.ResourceMetrics().At(0).Resource().Attributes()
	if claimed, ok := resource.Get(gate.InstallKey); ok && sender != "" && claimed.AsString() != sender {
		return nil, &gate.Refusal{Reason: identityMismatch}
	}
	value, ok := resource.Get(gate.DigestAttribute)
	if !ok {
		return nil, &gate.Refusal{Reason: gate.PolicyDigest}
	}
	digest, err := policy.ParseDigest(value.Str())
	if err != nil {
		return nil, &gate.Refusal{Reason: gate.PolicyDigest}
	}
	p, err := g.policies.find(digest)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, &gate.Refusal{Reason: policyUnknown}
	}
	return p, gate.Check(p, md, gate.Facts{Install: sender, Now: now, MaxSkew: g.maxSkew})
}

// refuse counts the reason, by install if the sender is known to be one, and
// answers with it. The status makes receivers say 400, and the report is refused
// for good: a permanent error without one would be 500, and the sender could not
// tell it from a broken fleet. Where not the report but its sender is at fault
// it is 403 or 401, and the report comes again when that is mended.
func (g *gateProcessor) refuse(ctx context.Context, err error, sender string) error {
	reason := gate.Malformed
	var r *gate.Refusal
	if errors.As(err, &r) {
		reason = r.Reason
	}
	said := attribute.NewSet(attribute.String("reason", string(reason)))
	if install := g.labels.Label(sender); install != "" {
		said = attribute.NewSet(attribute.String("reason", string(reason)), attribute.String(installAttribute, install))
	}
	g.telemetry.GateRefusedReports.Add(ctx, 1, metric.WithAttributeSet(said))
	text := (&gate.Refusal{Reason: reason}).Error()
	switch reason {
	case identityMismatch:
		return status.Error(codes.PermissionDenied, text)
	case identityMissing:
		return status.Error(codes.Unauthenticated, text)
	}
	return consumererror.NewPermanent(status.Error(codes.InvalidArgument, text))
}
