package upstreamexporter

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/ledger/inbox"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// TestWhatTheCustomerSaysIsRecorded: each word that changes why something
// leaves stands in the ledger before the next report, and what was taken back
// although no report follows.
func TestWhatTheCustomerSaysIsRecorded(t *testing.T) {
	f := newFleet(t)
	data, file := t.TempDir(), filepath.Join(t.TempDir(), "allowlist.yaml")
	e := prepareEdge(t, data, f.URL)
	put := func(text string) {
		t.Helper()
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	decide := func(state consent.State) consent.Decision {
		t.Helper()
		d := consent.Resolve(vfs.OS, data, file, time.Now())
		require.Equal(t, state, d.State, d.Err)
		e.source.set(d)
		return d
	}
	text := string(e.policy.Source)
	put(text)
	accept(t, data, e.policy)
	decide(consent.Active)
	e.listenEvery, e.cfg.Retry = 5*time.Millisecond, RetryConfig{Initial: 24 * time.Hour, Max: 24 * time.Hour}
	require.NoError(t, e.start())
	t.Cleanup(func() { _ = e.Shutdown(t.Context()) })
	kinds := func(want ...ledger.Kind) []ledger.Record {
		t.Helper()
		var recs []ledger.Record
		require.Eventually(t, func() bool {
			recs = nil
			for _, r := range e.records() {
				if r.Kind != ledger.KindOutcome {
					recs = append(recs, r)
				}
			}
			return len(recs) >= len(want)
		}, 5*time.Second, 5*time.Millisecond)
		for i, r := range recs {
			require.Equal(t, want[i], r.Kind, "record %d", i)
		}
		return recs
	}
	want := []ledger.Kind{ledger.KindPolicy, ledger.KindAcceptance, ledger.KindReport}
	e.reports(1, 1)
	kinds(want...)

	// A remark: both texts are there, the report quotes the accepted one.
	put(text + "# a remark\n")
	require.Equal(t, consent.RightSame, decide(consent.Active).Right)
	e.reports(2, 1)
	want = append(want, ledger.KindPolicy, ledger.KindAcceptance, ledger.KindReport)
	recs := kinds(want...)
	assert.Equal(t, text+"# a remark\n", string(recs[3].Body))
	assert.EqualValues(t, policy.DigestOf(recs[3].Body), recs[4].PolicyDigest)
	assert.EqualValues(t, e.policy.Digest, recs[5].PolicyDigest)

	// A signature on what is in force already.
	secret, _, err := note.GenerateKey(rand.Reader, "security.customer.example")
	require.NoError(t, err)
	signer, err := note.NewSigner(secret)
	require.NoError(t, err)
	signed, err := consent.Word{By: "R. Viewer", Reason: "reviewed again", Signer: signer, Expires: time.Now().AddDate(0, 1, 0)}.Accept(vfs.OS, data, e.policy, time.Now())
	require.NoError(t, err)
	decide(consent.Active)
	e.reports(3, 2)
	want = append(want, ledger.KindAcceptance, ledger.KindReport, ledger.KindReport)
	var a consent.Acceptance
	require.NoError(t, json.Unmarshal(kinds(want...)[6].Body, &a))
	assert.Equal(t, signed, a)

	// Taken back: recorded without a report, also while the sender waits for
	// somebody who does not answer. Taken up again: with one.
	e.settled(4)
	f.says(status(503))
	e.reports(5, 1)
	want = append(want, ledger.KindReport)
	require.Eventually(t, func() bool { return len(f.got()) == 5 }, 5*time.Second, 5*time.Millisecond)
	_, err = consent.Revoke(vfs.OS, data, policy.DigestOf([]byte(text+"# a remark\n")), "R. Viewer", "the pilot is over", time.Now())
	require.NoError(t, err)
	decide(consent.Unaccepted)
	e.reports(6, 1)
	want = append(want, ledger.KindRevocation, ledger.KindRevocation)
	var r consent.Revocation
	recs = kinds(want...)
	require.NoError(t, json.Unmarshal(recs[10].Body, &r))
	assert.Equal(t, "the pilot is over", r.Reason)
	put(text)
	accept(t, data, e.policy)
	decide(consent.Active)
	e.reports(7, 1)
	want = append(want, ledger.KindAcceptance, ledger.KindReport)
	kinds(want...)

	// Refused: the text and who said no, without a report; the text once.
	wider, err := policy.Parse(file, []byte(strings.Replace(text, "revision: ", "revision: 1", 1)))
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, inbox.Put(vfs.OS, data, ledger.Record{Kind: ledger.KindPolicy, PolicyDigest: wider.Digest, Body: wider.Source}, time.Now()))
		require.NoError(t, inbox.Put(vfs.OS, data, ledger.Record{Kind: ledger.KindRefusal, PolicyDigest: wider.Digest, Body: []byte(`{"by":"R. Viewer"}`)}, time.Now()))
	}
	want = append(want, ledger.KindPolicy, ledger.KindRefusal, ledger.KindRefusal)
	recs = kinds(want...)
	assert.Equal(t, wider.Source, recs[len(recs)-3].Body)
	assert.JSONEq(t, `{"by":"R. Viewer"}`, string(recs[len(recs)-1].Body))
	require.NoError(t, e.Shutdown(t.Context()))
	e.verify()
}

// TestAnAcceptanceIsRecordedBeforeItsFirstReport: an interval may be a day, and
// whoever accepts and takes back within it leaves a trace of both.
func TestAnAcceptanceIsRecordedBeforeItsFirstReport(t *testing.T) {
	f := newFleet(t)
	data := t.TempDir()
	e := prepareEdge(t, data, f.URL)
	accept(t, data, e.policy)
	file := filepath.Join(t.TempDir(), "allowlist.yaml")
	require.NoError(t, os.WriteFile(file, e.policy.Source, 0o600))
	decide := func() { e.source.set(consent.Resolve(vfs.OS, data, file, time.Now())) }
	refused := ledger.Record{Kind: ledger.KindRefusal, PolicyDigest: e.policy.Digest, Body: []byte("{}")}
	take := func() {
		_, err := consent.Revoke(vfs.OS, data, e.policy.Digest, "R. Viewer", "not yet", time.Now())
		require.NoError(t, err)
	}
	decide()
	take() // the source still says that it is in force, as it does for a moment
	e.listenEvery = 5 * time.Millisecond
	require.NoError(t, e.start())
	t.Cleanup(func() { _ = e.Shutdown(t.Context()) })
	kinds := func() (list []ledger.Kind) {
		for _, r := range e.records() {
			if r.Kind != ledger.KindOutcome {
				list = append(list, r.Kind)
			}
		}
		return list
	}
	time.Sleep(50 * time.Millisecond)
	require.Empty(t, kinds(), "what was taken back is not said")
	require.NoError(t, inbox.Put(vfs.OS, data, refused, time.Now()))
	accept(t, data, e.policy)
	decide()
	e.reports(1, 1) // whichever is first, what was said before stands before
	want := []ledger.Kind{ledger.KindPolicy, ledger.KindRefusal, ledger.KindAcceptance, ledger.KindReport}
	if k := kinds(); len(k) > 0 && k[0] == ledger.KindRefusal {
		want[0], want[1] = want[1], want[0]
	}
	require.Eventually(t, func() bool { return slices.Equal(want, kinds()) }, 5*time.Second, 5*time.Millisecond)
	take()
	want = append(want, ledger.KindRevocation)
	require.Eventually(t, func() bool { return slices.Equal(want, kinds()) }, 5*time.Second, 5*time.Millisecond)
	time.Sleep(50 * time.Millisecond)
	require.Equal(t, want, kinds(), "nor said once more")
}
