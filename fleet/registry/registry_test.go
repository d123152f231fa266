package registry

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/internal/vfs"
)

const testID = "0194f3c2-5a31-4d2b-9c1e-1234567890ab"

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func TestTheFirstCustomerOfAnInstallStays(t *testing.T) {
	r := Registry{FS: vfs.OS, Dir: t.TempDir()}
	require.NoError(t, r.Bind(testID, "acme"))
	require.NoError(t, r.Bind(testID, "acme"))
	require.ErrorIs(t, r.Bind(testID, "bank"), ErrTaken)
	require.ErrorIs(t, r.Bind("../../etc", "bank"), ErrUnknown)
	require.ErrorIs(t, r.Bind("", "bank"), ErrUnknown)
}

func TestOfCustomersWhoRaceOneOwnsTheInstall(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 8 {
			gateway := Registry{FS: vfs.OS, Dir: dir}
			wg.Go(func() {
				switch err := gateway.Bind(testID, fmt.Sprint("customer", i)); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, ErrTaken):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, won.Load())
	}
}

func TestRevokingEndsWhatEnrolledBeforeAndNotWhatEnrolsAfter(t *testing.T) {
	r := Registry{FS: vfs.OS, Dir: t.TempDir()}
	_, err := r.Revoke(testID, now)
	require.ErrorIs(t, err, ErrUnknown)
	require.NoError(t, r.Bind(testID, "acme"))
	require.NoError(t, r.Record(testID, Enrolment{ID: "one", Time: now}))
	first := identity.Peer{Install: testID, Enrolment: "one"}
	gone := func(p identity.Peer) bool {
		g, err := r.Revoked(p)
		require.NoError(t, err)
		return g
	}
	assert.False(t, gone(first))
	in, err := r.Revoke(testID, now)
	require.NoError(t, err)
	assert.Equal(t, "acme", in.Customer)
	assert.True(t, gone(first))
	assert.True(t, gone(identity.Peer{Install: testID}), "a certificate of the customer's own authority")
	in, err = r.Get(testID)
	require.NoError(t, err)
	assert.Equal(t, now, in.Revoked)

	require.NoError(t, r.Record(testID, Enrolment{ID: "two", Time: now.Add(time.Hour)}))
	assert.False(t, gone(identity.Peer{Install: testID, Enrolment: "two"}))
	assert.True(t, gone(first), "its old certificates stay out")
	in, err = r.Get(testID)
	require.NoError(t, err)
	assert.Zero(t, in.Revoked)
	assert.Len(t, in.Enrolments, 2)
	_, err = r.Revoke(testID, now)
	require.NoError(t, err)
	assert.True(t, gone(identity.Peer{Install: testID, Enrolment: "two"}))
	assert.True(t, gone(first))
	ids, err := r.List()
	require.NoError(t, err)
	assert.Equal(t, []string{testID}, ids)
}

// A folder that went away must not look like one in which nobody is revoked.
func TestNobodyIsTrustedWhileTheFolderIsAway(t *testing.T) {
	r := Registry{FS: vfs.OS, Dir: filepath.Join(t.TempDir(), "state")}
	p := identity.Peer{Install: testID, Enrolment: "one"}
	_, err := r.Revoked(p)
	require.ErrorContains(t, err, "look up revocations")
	require.NoError(t, os.MkdirAll(filepath.Join(r.Dir, "revoked"), 0o700))
	_, err = r.Revoked(p)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(r.revoked(testID), []byte("{"), 0o600))
	_, err = r.Revoked(p)
	require.ErrorContains(t, err, "look up revocations")
}
