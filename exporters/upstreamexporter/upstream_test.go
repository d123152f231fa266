package upstreamexporter

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/gate"
)

func TestTheWireHasTheLedgersBytesInOrder(t *testing.T) {
	f := newFleet(t)
	e := newEdge(t, t.TempDir(), f.URL)
	e.reports(1, 5)
	e.settled(5)
	require.Equal(t, e.recorded(), f.got())
	for i, b := range f.got() {
		require.NoError(t, gate.CheckBytes(e.policy, b, gate.Facts{Install: installID, Sequence: uint64(i + 1), Now: time.Now()}))
		md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(b)
		require.NoError(t, err)
		beat := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0)
		assert.Equal(t, float64(i+1), beat.Sum().DataPoints().At(0).DoubleValue())
	}

	recs := e.records()
	assert.Equal(t, ledger.KindPolicy, recs[0].Kind)
	assert.Equal(t, e.policy.Source, recs[0].Body)
	assert.Equal(t, ledger.KindAcceptance, recs[1].Kind)
	var a consent.Acceptance
	require.NoError(t, json.Unmarshal(recs[1].Body, &a))
	assert.Equal(t, e.source.Decision().Acceptance, a)
	assert.Equal(t, ledger.KindReport, recs[2].Kind)
	assert.Equal(t, f.URL, recs[2].Destination)
	require.Len(t, recs, 2+5+5)
	require.NoError(t, e.Shutdown(t.Context()))
	e.verify()
	assert.EqualValues(t, 5, e.counter("weir_upstream_reports", "outcome", "recorded"))
	assert.EqualValues(t, 5, e.counter("weir_upstream_reports", "outcome", "acknowledged"))
	total := 0
	for _, b := range f.got() {
		total += len(b)
	}
	assert.EqualValues(t, total, e.counter("weir_upstream_sent_bytes", "", ""))
}

func TestTheConsumedReportIsNotChanged(t *testing.T) {
	f := newFleet(t)
	e := newEdge(t, t.TempDir(), f.URL)
	md := report(e.policy, 7)
	md.MarkReadOnly() // panics on any change
	require.NoError(t, e.ConsumeMetrics(t.Context(), md))
	e.settled(1)
	assert.False(t, e.Capabilities().MutatesData)
}

func TestAnOutageLosesNothingAndKeepsTheOrder(t *testing.T) {
	for name, outage := range map[string]http.HandlerFunc{
		"500":   status(500),
		"503":   status(503),
		"429":   status(429),
		"408":   status(408),
		"reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"half a body": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "99") },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t)
			f.says(outage)
			e := newEdge(t, t.TempDir(), f.URL)
			e.reports(1, 4)
			require.Eventually(t, func() bool { return len(f.got()) > 3 }, 5*time.Second, time.Millisecond)
			first := e.recorded()[0]
			for _, b := range f.got() {
				require.Equal(t, first, b, "the oldest first, byte for byte")
			}
			assert.EqualValues(t, 4, e.counter("weir_upstream_pending_reports", "", ""))
			f.says(nil)
			e.settled(4)
			got := f.got()
			require.Equal(t, e.recorded(), got[len(got)-4:])
			for _, b := range got[:len(got)-4] {
				require.Equal(t, first, b)
			}
			assert.Positive(t, e.counter("weir_upstream_retries", "", ""))
			assert.Zero(t, e.counter("weir_upstream_pending_reports", "", ""))
			require.NoError(t, e.Shutdown(t.Context()))
			e.verify()
		})
	}
}

func TestARestartSendsTheSameBytes(t *testing.T) {
	f := newFleet(t)
	data := t.TempDir()
	f.says(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }) // taken, not acknowledged
	e := newEdge(t, data, f.URL)
	e.reports(1, 3)
	require.Eventually(t, func() bool { return len(f.got()) > 0 }, 5*time.Second, time.Millisecond)
	require.NoError(t, e.Shutdown(t.Context()))
	recorded, before := e.recorded(), len(f.got())
	require.Len(t, recorded, 3)

	f.says(nil)
	e = newEdge(t, data, f.URL)
	e.settled(3)
	require.Equal(t, recorded, f.got()[before:])
	e.reports(4, 1)
	e.settled(4)
	require.NoError(t, gate.CheckBytes(e.policy, f.got()[before+3], gate.Facts{Sequence: 4, Now: time.Now()}), "sequences go on")
	require.NoError(t, e.Shutdown(t.Context()))
	e.verify()
}

func TestADestinationThatIsSetUpWronglyLosesNoReport(t *testing.T) {
	for _, code := range []int{401, 403, 404, 405, 407, 415} {
		f := newFleet(t)
		f.says(status(code))
		e := newEdge(t, t.TempDir(), f.URL)
		e.reports(1, 1)
		require.Eventually(t, func() bool { return len(f.got()) >= 2 }, 10*time.Second, time.Millisecond, "it is tried again after %d", code)
		f.says(nil)
		e.settled(1)
		for _, b := range f.got() {
			require.Equal(t, f.got()[0], b)
		}
		assert.EqualValues(t, 1, e.counter("weir_upstream_reports", "outcome", "acknowledged"))
		require.NoError(t, e.Shutdown(t.Context()))
	}
}

// TestARefusalIsFinalAndTheNextReportFollows, when it was said three times.
func TestARefusalIsFinalAndTheNextReportFollows(t *testing.T) {
	f := newFleet(t)
	f.says(status(400))
	e := newEdge(t, t.TempDir(), f.URL)
	e.reports(1, 1)
	e.settled(1)
	f.says(nil)
	e.reports(2, 1)
	e.settled(2)
	require.Len(t, f.got(), refusalsForGood+1)
	assert.EqualValues(t, refusalsForGood-1, e.counter("weir_upstream_retries", "reason", "refused"))
	var outcomes []ledger.Outcome
	for _, r := range e.records() {
		if r.Kind == ledger.KindOutcome {
			o, err := ledger.ParseOutcome(r.Body)
			require.NoError(t, err)
			outcomes = append(outcomes, o)
		}
	}
	assert.Equal(t, []ledger.Outcome{
		{Report: 2, Result: ledger.Refused, Status: "4xx"},
		{Report: 4, Result: ledger.Acknowledged, Status: "2xx"},
	}, outcomes)
	assert.EqualValues(t, 1, e.counter("weir_upstream_reports", "outcome", "refused"))
}

func TestNothingLeavesUnlessThePolicyIsInForce(t *testing.T) {
	for _, state := range consent.States {
		if state == consent.Active {
			continue
		}
		t.Run(string(state), func(t *testing.T) {
			f := newFleet(t)
			e := prepareEdge(t, t.TempDir(), f.URL)
			e.source.setState(state)
			require.NoError(t, e.start())
			e.reports(1, 3)
			time.Sleep(30 * time.Millisecond)
			require.NoError(t, e.Shutdown(t.Context()))
			assert.Empty(t, f.got())
			assert.Empty(t, e.records(), "nor is it recorded")
			assert.EqualValues(t, 3, e.counter("weir_upstream_refused", "reason", string(state)))
		})
	}
}

func TestAReportOfAnotherPolicyIsRefused(t *testing.T) {
	f := newFleet(t)
	e := newEdge(t, t.TempDir(), f.URL)
	require.NoError(t, e.ConsumeMetrics(t.Context(), report(parsePolicy(t, f.URL, 2), 1)))
	require.NoError(t, e.ConsumeMetrics(t.Context(), pmetric.NewMetrics()))
	require.NoError(t, e.Shutdown(t.Context()))
	assert.Empty(t, e.records())
	assert.EqualValues(t, 2, e.counter("weir_upstream_refused", "reason", "policy_changed"))
}

func TestWhatTheGateRefusesIsNotRecorded(t *testing.T) {
	f := newFleet(t)
	e := newEdge(t, t.TempDir(), f.URL)
	for range 2 {
		md := report(e.policy, 1)
		md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).SetDescription("CANARY")
		require.NoError(t, e.ConsumeMetrics(t.Context(), md))
	}
	require.NoError(t, e.Shutdown(t.Context()))
	assert.Empty(t, e.records())
	assert.Empty(t, f.got())
	assert.EqualValues(t, 2, e.counter("weir_upstream_refused", "reason", string(gate.MetricText)))
	assert.Len(t, e.logs.FilterMessageSnippet("gate").All(), 1, "said once")
}

func TestQueuedReportsAreHeldWhileThePolicyIsNotInForce(t *testing.T) {
	f := newFleet(t)
	f.says(status(503))
	e := newEdge(t, t.TempDir(), f.URL)
	e.reports(1, 2)
	require.Eventually(t, func() bool { return len(f.got()) > 0 }, 5*time.Second, time.Millisecond)
	e.source.setState(consent.Expired)
	f.says(nil)
	time.Sleep(50 * time.Millisecond) // an attempt may have been under way
	before := len(f.got())
	time.Sleep(100 * time.Millisecond)
	assert.Len(t, f.got(), before)
	assert.EqualValues(t, e.book.Load().PendingCount(), e.counter("weir_upstream_held_reports", "", ""))
	e.source.setState(consent.Active)
	e.settled(2)
	assert.Zero(t, e.counter("weir_upstream_held_reports", "", ""))
}

// TestANewRevisionDoesNotStrandTheBacklog: what was recorded under an earlier
// policy leaves only if that one still stands on its own.
func TestANewRevisionDoesNotStrandTheBacklog(t *testing.T) {
	for name, c := range map[string]struct {
		accepted bool
		moved    bool
		sent     int
	}{
		"still accepted":      {true, false, 3},
		"no longer accepted":  {false, false, 1},
		"another destination": {true, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			f := newFleet(t)
			f.says(status(503))
			e := newEdge(t, data, f.URL)
			old := e.policy
			if c.accepted {
				accept(t, data, old)
			}
			e.reports(1, 2)
			require.Eventually(t, func() bool { return len(f.got()) > 0 }, 5*time.Second, time.Millisecond)
			e.source.setState(consent.Unaccepted) // while it is exchanged
			time.Sleep(50 * time.Millisecond)
			f.says(nil)
			to := f
			if c.moved {
				to = newFleet(t)
			}
			e.policy = parsePolicy(t, to.URL, 2)
			e.source.set(active(e.policy))
			before := len(f.got())
			e.reports(3, 1)
			e.settled(c.sent)
			time.Sleep(50 * time.Millisecond)
			assert.Equal(t, 3-c.sent, e.book.Load().PendingCount())
			assert.EqualValues(t, 3-c.sent, e.counter("weir_upstream_held_reports", "", ""))
			if c.moved {
				assert.Len(t, f.got(), before)
			}
		})
	}
}

func TestServersTextIsCountedAndNeverPrinted(t *testing.T) {
	const canary = "CANARY-from-the-server"
	f := newFleet(t)
	f.says(func(w http.ResponseWriter, _ *http.Request) {
		r := pmetricotlp.NewExportResponse()
		r.PartialSuccess().SetRejectedDataPoints(2)
		r.PartialSuccess().SetErrorMessage(canary)
		b, _ := r.MarshalProto()
		w.Header().Set("X-Text", canary)
		_, _ = w.Write(b)
	})
	e := newEdge(t, t.TempDir(), f.URL)
	e.reports(1, 1)
	e.settled(1)
	f.says(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, canary, http.StatusBadRequest) })
	e.reports(2, 1)
	e.settled(2)
	f.says(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+canary+"/", http.StatusFound)
	})
	e.reports(3, 1)
	require.Eventually(t, func() bool { return e.counter("weir_upstream_retries", "reason", "redirect") > 0 }, 5*time.Second, time.Millisecond)
	require.NoError(t, e.Shutdown(t.Context()))
	assert.EqualValues(t, 2, e.counter("weir_upstream_rejected_points", "", ""))
	require.NotEmpty(t, e.logs.All())
	for _, l := range e.logs.All() {
		text := l.Message
		for k, v := range l.ContextMap() {
			b, _ := json.Marshal(v)
			text += k + string(b)
		}
		assert.NotContains(t, text, "CANARY")
		assert.NotContains(t, strings.ToLower(text), "canary")
	}
	for _, r := range e.records() {
		assert.NotContains(t, string(r.Body), "CANARY")
	}
}

func TestStartSaysWhatIsMissing(t *testing.T) {
	e := prepareEdge(t, t.TempDir(), "http://127.0.0.1:1")
	err := e.Start(t.Context(), host{})
	assert.ErrorContains(t, err, `there is no extension "policy"`)
	err = e.Start(t.Context(), host{component.MustNewID("policy"): struct {
		component.StartFunc
		component.ShutdownFunc
	}{}})
	assert.ErrorContains(t, err, "does not decide on policies")
	require.NoError(t, e.Shutdown(t.Context()), "without a start")
	assert.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
}

func TestAFolderInUseIsSaidPlainly(t *testing.T) {
	data := t.TempDir()
	f := newFleet(t)
	newEdge(t, data, f.URL)
	second := prepareEdge(t, data, f.URL)
	err := second.start()
	require.ErrorContains(t, err, data+"/ledger is in use by another process; stop that one")
	assert.NotContains(t, err.Error(), "\n")
}

// TestAReportThatIsTooLongIsRefusedUnread: no report of the policy is that long.
func TestAReportThatIsTooLongIsRefusedUnread(t *testing.T) {
	f := newFleet(t)
	e := newEdge(t, t.TempDir(), f.URL)
	md := report(e.policy, 1)
	md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).SetDescription(strings.Repeat("x", 1<<20))
	require.NoError(t, e.ConsumeMetrics(t.Context(), md))
	require.NoError(t, e.Shutdown(t.Context()))
	assert.Empty(t, e.records())
	assert.EqualValues(t, 1, e.counter("weir_upstream_refused", "reason", string(gate.Oversized)))
}
