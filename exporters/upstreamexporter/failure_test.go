package upstreamexporter

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// TestALedgerThatCannotBeWrittenLetsNothingLeave, and is said once, and is
// tried again later, without a restart.
func TestALedgerThatCannotBeWrittenLetsNothingLeave(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpWrite, vfs.OpSync} {
		t.Run(kind.String(), func(t *testing.T) {
			m := vfs.NewMem()
			var full atomic.Bool
			m.Inject = func(op vfs.Op) error {
				if full.Load() && op.Kind == kind && !op.After {
					return errors.New("no space left on device")
				}
				return nil
			}
			var clock atomic.Int64
			clock.Store(time.Now().UnixNano())
			f := newFleet(t)
			e := newEdge(t, "/data", f.URL, func(u *upstream) {
				u.fsys, u.now = m, func() time.Time { return time.Unix(0, clock.Load()) }
			})
			e.reports(1, 1)
			e.settled(1)
			full.Store(true)
			e.reports(2, 3)
			time.Sleep(30 * time.Millisecond)
			assert.Len(t, f.got(), 1, "nothing leaves")
			assert.EqualValues(t, 3, e.counter("weir_upstream_refused", "reason", "ledger_failed"))
			assert.Len(t, e.logs.FilterMessageSnippet("ledger cannot be written").All(), 1)

			clock.Add(int64(2 * reopenAfter))
			e.reports(5, 1) // opening fails as well
			assert.Len(t, f.got(), 1)
			full.Store(false)
			e.reports(6, 1) // too soon for another attempt
			assert.Len(t, f.got(), 1)
			clock.Add(int64(2 * reopenAfter))
			e.reports(7, 1)
			require.Eventually(t, func() bool { return e.book.Load().PendingCount() == 0 }, 5*time.Second, time.Millisecond)
			require.NoError(t, e.Shutdown(t.Context()))
			require.Equal(t, e.recorded(), f.got(), "every byte that left is recorded")
			e.verify()
		})
	}
}

// TestAnOutcomeThatCannotBeRecordedIsSentAgain after the ledger is opened anew.
func TestAnOutcomeThatCannotBeRecordedIsSentAgain(t *testing.T) {
	m := vfs.NewMem()
	var full atomic.Bool
	m.Inject = func(op vfs.Op) error {
		if full.Load() && op.Kind == vfs.OpWrite && !op.After {
			return errors.New("no space left on device")
		}
		return nil
	}
	f := newFleet(t)
	f.says(func(http.ResponseWriter, *http.Request) { full.Store(true) })
	e := newEdge(t, "/data", f.URL, func(u *upstream) { u.fsys = m })
	e.reports(1, 1)
	require.Eventually(t, func() bool { return e.book.Load().Err() != nil }, 5*time.Second, time.Millisecond)
	time.Sleep(50 * time.Millisecond)
	require.Len(t, f.got(), 1, "without a ledger nothing is sent again either")
	require.NoError(t, e.Shutdown(t.Context()))
	full.Store(false)
	f.says(nil)
	e = newEdge(t, "/data", f.URL, func(u *upstream) { u.fsys = m })
	e.settled(1)
	got := f.got()
	require.Len(t, got, 2)
	assert.Equal(t, got[0], got[1])
}

func TestShutdownDoesNotWaitForTheServer(t *testing.T) {
	f := newFleet(t)
	release := make(chan struct{})
	f.says(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	e := newEdge(t, t.TempDir(), f.URL)
	e.reports(1, 1)
	require.Eventually(t, func() bool { return len(f.got()) == 1 }, 5*time.Second, time.Millisecond)
	begun := time.Now()
	require.NoError(t, e.Shutdown(t.Context()))
	assert.Less(t, time.Since(begun), 2*time.Second)
	e.verify()
}

func TestConfigurationFaultsAreSaidAtOnce(t *testing.T) {
	require.NoError(t, createDefaultConfig().(*Config).Validate())
	err := (&Config{Policy: component.ID{}, TLS: TLSConfig{CertFile: "x"}}).Validate()
	for _, want := range []string{"data: is empty", "policy: is empty", "cert_file and key_file", "timeout: must", "retry::initial", "backlog::limit", "backlog::bytes_per_second"} {
		assert.ErrorContains(t, err, want)
	}
	cfg := createDefaultConfig().(*Config)
	cfg.Retry.Max = time.Millisecond
	assert.ErrorContains(t, cfg.Validate(), "retry::max")
}
