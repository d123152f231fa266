package policyextension

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/weir-telemetry/weir/extensions/policyextension/internal/metadata"
	"github.com/weir-telemetry/weir/extensions/policyextension/internal/metadatatest"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
)

const sample = `version: 1
product: sample
vendor: acme
revision: 7
destination: https://telemetry.acme.example
interval: 60s
expires: 2027-06-30
identity:
  weir.install.id: {type: uuid}
signals:
  - name: weir.heartbeat
    why: to see that the install is alive
    owner: support@acme.example
    category: heartbeat
    kind: sum
    unit: "{beat}"
    value: {min: 0, max: 1e9, step: 1}
`

// bench is an extension under a clock of the test, looked at by hand.
type bench struct {
	*policyExtension
	data, file string
	clock      atomic.Int64
	logs       *observer.ObservedLogs
	telemetry  *componenttest.Telemetry
}

func start(t *testing.T, file string) *bench {
	t.Helper()
	b := &bench{data: t.TempDir(), file: file, telemetry: componenttest.NewTelemetry()}
	core, logs := observer.New(zap.DebugLevel)
	b.logs = logs
	b.set(time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC))
	set := extension.Settings{ID: extensiontest.NewNopSettings(metadata.Type).ID, TelemetrySettings: b.telemetry.NewTelemetrySettings()}
	set.Logger = zap.New(core)
	e, err := newPolicy(set, &Config{File: file, Data: b.data, PollInterval: time.Minute})
	require.NoError(t, err)
	e.now = func() time.Time { return time.Unix(0, b.clock.Load()) }
	b.policyExtension = e
	require.NoError(t, e.Start(context.Background(), componenttest.NewNopHost()))
	t.Cleanup(func() {
		require.NoError(t, e.Shutdown(context.Background()))
		require.NoError(t, b.telemetry.Shutdown(context.Background()))
	})
	return b
}

func (b *bench) set(at time.Time) { b.clock.Store(at.UnixNano()) }

func (b *bench) accept(t *testing.T) {
	t.Helper()
	source, err := os.ReadFile(b.file)
	require.NoError(t, err)
	p, err := policy.Parse(b.file, source)
	require.NoError(t, err)
	_, err = consent.Accept(vfs.OS, b.data, p, "Ada Lovelace", "reviewed", b.now())
	require.NoError(t, err)
}

func (b *bench) want(t *testing.T, state consent.State) {
	t.Helper()
	b.look()
	require.Equal(t, state, b.Decision().State)
	var points []metricdata.DataPoint[int64]
	for _, s := range consent.States {
		var v int64
		if s == state {
			v = 1
		}
		points = append(points, metricdata.DataPoint[int64]{Value: v, Attributes: attribute.NewSet(attribute.String("state", string(s)))})
	}
	metadatatest.AssertEqualPolicyState(t, b.telemetry, points, metricdatatest.IgnoreTimestamp())
	if state != consent.Active {
		_, err := b.telemetry.GetMetric("weir_policy_revision")
		require.Error(t, err, "no revision is in force")
	}
}

// wantRevision looks at the metric of what is in force.
func (b *bench) wantRevision(t *testing.T, number int64) {
	t.Helper()
	metadatatest.AssertEqualPolicyRevision(t, b.telemetry, []metricdata.DataPoint[int64]{{Value: number}}, metricdatatest.IgnoreTimestamp())
}

// wantPending looks at the metric: revision numbers, and no others.
func (b *bench) wantPending(t *testing.T, numbers ...attribute.KeyValue) {
	t.Helper()
	if len(numbers) == 0 {
		_, err := b.telemetry.GetMetric("weir_policy_pending")
		require.Error(t, err, "nothing waits")
		return
	}
	metadatatest.AssertEqualPolicyPending(t, b.telemetry, []metricdata.DataPoint[int64]{
		{Value: 1, Attributes: attribute.NewSet(numbers...)},
	}, metricdatatest.IgnoreTimestamp())
}

func TestTheStateFollowsTheFilesAndTheClock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "allowlist.yaml")
	b := start(t, file)
	b.want(t, consent.Unreadable)
	require.NoError(t, os.WriteFile(file, []byte("version: 1\n"), 0o644))
	b.want(t, consent.Invalid)
	require.NoError(t, os.WriteFile(file, []byte(sample), 0o644))
	b.want(t, consent.Unaccepted)
	b.wantPending(t, attribute.Int("in_force", 0), attribute.Int("revision", 7))
	b.accept(t)
	b.want(t, consent.Active)
	b.wantPending(t)
	require.Equal(t, 7, b.Decision().Policy.Revision)
	b.wantRevision(t, 7)
	acceptance := consent.AcceptanceFile(b.data, b.Decision().Policy.Digest)
	require.NoError(t, os.Remove(acceptance))
	b.want(t, consent.Unaccepted)
	b.accept(t)
	b.want(t, consent.Active)
	b.set(time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC))
	require.Equal(t, consent.Expired, b.Decision().State, "an expiry waits for no poll")
	b.want(t, consent.Expired)
	require.NoError(t, os.Remove(file))
	b.want(t, consent.Unreadable)
}

func TestEachStateIsSaidOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "allowlist.yaml")
	require.NoError(t, os.WriteFile(file, []byte(sample), 0o644))
	b := start(t, file)
	for range 3 {
		b.look()
	}
	b.accept(t)
	for range 3 {
		b.look()
	}
	entries := b.logs.All()
	require.Len(t, entries, 2)
	require.Equal(t, zap.WarnLevel, entries[0].Level)
	require.Contains(t, entries[0].Message, "nothing leaves: policy "+file+" is not accepted: run 'weir policy accept")
	require.Equal(t, zap.InfoLevel, entries[1].Level)
	said := entries[1].ContextMap()
	require.Equal(t, b.Decision().Policy.Digest.String(), said["digest"])
	require.EqualValues(t, 7, said["revision"])
	require.Equal(t, "https://telemetry.acme.example", said["destination"])
	require.Positive(t, said["at_most_bits_a_day"])
}

func TestNoPolicyIsAStateLikeAnyOther(t *testing.T) {
	b := start(t, "")
	b.want(t, consent.NoPolicy)
	require.Len(t, b.logs.All(), 1)
	require.NotEmpty(t, b.Install().ID)
}

// A file that did not change is not read again: a policy is as large as its
// author likes, and a look comes every second.
func TestAFileThatLiesStillIsNotReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "allowlist.yaml")
	require.NoError(t, os.WriteFile(file, []byte(sample), 0o644))
	old := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	require.NoError(t, os.Chtimes(file, old, old))
	w := watcher{fsys: vfs.OS, data: t.TempDir(), file: file}
	now := old.Add(time.Hour)
	w.look(now)
	first := w.look(now).Policy
	require.Same(t, first, w.look(now).Policy)
	require.NoError(t, os.Chtimes(file, now, now)) // as new as the look: not to be trusted yet
	second := w.look(now).Policy
	require.NotSame(t, first, second)
	third := w.look(now).Policy
	require.NotSame(t, second, third)
	w.look(now.Add(settleTime))
	require.Same(t, w.look(now.Add(settleTime)).Policy, w.look(now.Add(time.Minute)).Policy)
}

func TestItPollsByItself(t *testing.T) {
	data, file := t.TempDir(), filepath.Join(t.TempDir(), "allowlist.yaml")
	cfg := createDefaultConfig().(*Config)
	cfg.Data, cfg.File, cfg.PollInterval = data, file, minPoll
	require.NoError(t, cfg.Validate())
	ext, err := NewFactory().Create(context.Background(), extensiontest.NewNopSettings(metadata.Type), cfg)
	require.NoError(t, err)
	require.NoError(t, ext.Start(context.Background(), componenttest.NewNopHost()))
	require.Equal(t, consent.Unreadable, ext.(consent.Source).Decision().State)
	require.NoError(t, os.WriteFile(file, []byte(sample), 0o644))
	require.Eventually(t, func() bool { return ext.(consent.Source).Decision().State != consent.Unreadable }, 5*time.Second, 10*time.Millisecond)
	require.NoError(t, ext.Shutdown(context.Background()))
	require.NoError(t, os.Remove(file))
	require.NotEqual(t, consent.Unreadable, ext.(consent.Source).Decision().State)
}

func TestADataFolderThatCannotHoldTheIdentityStopsTheStart(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.WriteFile(blocked, nil, 0o644))
	ext, err := NewFactory().Create(context.Background(), extensiontest.NewNopSettings(metadata.Type), &Config{Data: blocked, PollInterval: time.Second})
	require.NoError(t, err)
	err = ext.Start(context.Background(), componenttest.NewNopHost())
	require.ErrorContains(t, err, blocked)
	require.NoError(t, ext.Shutdown(context.Background()))
}

func TestTheConfigurationSaysAllItsFaults(t *testing.T) {
	err := (&Config{}).Validate()
	require.ErrorContains(t, err, "data is empty")
	require.ErrorContains(t, err, "poll_interval")
}

// The ratchet, as the extension sees it: each step is noticed at the next look,
// said once, and undone when the person's word behind it is taken back.
func TestARevisionTakesEffectOrWaits(t *testing.T) {
	const more = "  - {name: more, why: w, owner: o, category: health, kind: sum, unit: \"1\", value: {min: 0, max: 9, step: 1}}\n"
	file := filepath.Join(t.TempDir(), "allowlist.yaml")
	b := start(t, file)
	put := func(n, entries string) {
		t.Helper()
		require.NoError(t, os.WriteFile(file, []byte(strings.Replace(sample, "revision: 7", "revision: "+n, 1)+entries), 0o644))
		b.want(t, consent.Active)
	}
	right := func(want consent.Right, revision int) {
		t.Helper()
		for range 3 {
			b.look()
			require.Equal(t, want, b.Decision().Right)
			require.Equal(t, revision, b.Decision().Policy.Revision)
			b.wantRevision(t, int64(revision))
		}
	}
	require.NoError(t, os.WriteFile(file, []byte(sample), 0o644))
	b.accept(t)
	b.want(t, consent.Active)
	base := consent.AcceptanceFile(b.data, b.Decision().Policy.Digest)
	right(consent.RightAccepted, 7)
	put("8", "")
	right(consent.RightNarrowed, 8)
	b.wantPending(t)
	put("9", more)
	right(consent.RightMeet, 8)
	b.wantPending(t, attribute.Int("in_force", 8), attribute.Int("revision", 9))
	require.Equal(t, 9, b.Decision().Pending.Revision)
	require.Equal(t, 1, b.logs.FilterMessageSnippet("waits for acceptance").Len())
	b.accept(t)
	right(consent.RightAccepted, 9)
	require.NoError(t, os.Remove(consent.AcceptanceFile(b.data, b.Decision().Policy.Digest)))
	right(consent.RightMeet, 8)
	require.NoError(t, os.Remove(base))
	b.want(t, consent.Unaccepted)
}
