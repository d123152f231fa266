package fleet

import (
	"context"
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

// edge is one with a real ledger.
type edge struct {
	t    *testing.T
	id   identity.Edge
	o    identity.Options
	dir  string
	l    *ledger.Ledger
	http *http.Client
	n    int
}

// newEdge enrols with the key of its ledger.
func (f *fleet) newEdge(customer, url string) *edge {
	o := f.options()
	e := &edge{t: f.t, o: o, dir: filepath.Join(o.Data, "ledger")}
	e.open()
	key, err := os.ReadFile(filepath.Join(e.dir, "verifier.pub"))
	require.NoError(f.t, err)
	o.Ledger = strings.TrimSpace(string(key))
	e.id, err = identity.Enroll(context.Background(), f.token(customer, url, time.Hour).Text(), o)
	require.NoError(f.t, err)
	require.Equal(f.t, o.Ledger, e.id.LedgerKey())
	e.http = client(e.id.Roots, e.id.Cert)
	f.t.Cleanup(func() { _ = e.l.Close() })
	return e
}

func (e *edge) open() {
	var err error
	e.l, err = ledger.Open(vfs.OS, e.dir, ledger.Options{Install: e.o.Install})
	require.NoError(e.t, err)
}

// record appends the next report.
func (e *edge) record() ledger.Record {
	e.n++
	r, err := e.l.Append(ledger.Record{Kind: ledger.KindReport, Sequence: uint64(e.n), Destination: e.id.URL, Body: report(e.o.Install, e.n, float64(100*e.n))})
	require.NoError(e.t, err)
	return r
}

// send posts a recorded report with its statement and answers with the receipt.
func (e *edge) send(url string, r ledger.Record) (int, []byte) {
	s, err := e.l.State(r, e.l.LastReceipt())
	require.NoError(e.t, err)
	code, _, h := send(e.http, url+"/v1/metrics", r.Body, "Weir-Ledger", base64.RawURLEncoding.EncodeToString(s.Encode()))
	if h == nil || h.Get("Weir-Receipt") == "" {
		return code, nil
	}
	receipt, err := base64.RawURLEncoding.DecodeString(h.Get("Weir-Receipt"))
	require.NoError(e.t, err)
	require.NoError(e.t, s.CheckReceipt(receipt, e.id.Fleet))
	return code, receipt
}

func (e *edge) done(r ledger.Record, receipt []byte) {
	_, err := e.l.Append(ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx", Receipt: string(receipt)}.Record(&r))
	require.NoError(e.t, err)
}

// Gateways behind a load balancer: each report goes to any of them, some answers
// are lost and the report goes to another. What is stored is each report once;
// the chain of receipts goes on over all of them, since it is in the edge's hands.
func TestAnEdgeThatAlternatesBetweenGatewaysLosesAndDoublesNothing(t *testing.T) {
	f := newFleet(t)
	urls := []string{f.gateway(nil), f.gateway(nil)}
	e := f.newEdge("acme", urls[0])
	random := rand.New(rand.NewPCG(1, 2))
	const reports = 60
	lost := 0
	for range reports {
		r := e.record()
		for random.IntN(3) == 0 { // it came in, and the answer did not come back
			code, _ := e.send(urls[random.IntN(2)], r)
			require.Equal(t, 200, code)
			lost++
		}
		code, receipt := e.send(urls[random.IntN(2)], r)
		require.Equal(t, 200, code)
		require.NotNil(t, receipt)
		e.done(r, receipt)
	}
	require.Greater(t, lost, 10)
	want := map[int]float64{}
	for n := 1; n <= reports; n++ {
		want[n] = float64(100 * n)
	}
	assert.Equal(t, map[string]map[int]float64{e.o.Install: want}, f.store.samples)
	assert.Positive(t, f.store.again, "some came to both gateways, and the store kept one")

	// What the fleet keeps says of every report where it is in the ledger.
	key, err := ledger.LoadVerifier(vfs.OS, e.dir)
	require.NoError(t, err)
	seen := map[uint64]bool{}
	for _, r := range f.store.logs {
		c, err := ledger.OpenCheckpoint([]byte(r.Checkpoint), key)
		require.NoError(t, err)
		assert.Equal(t, r.Size, c.Size)
		assert.Equal(t, r.Root, c.Root.String())
		assert.Equal(t, e.o.Install, r.Install)
		assert.Equal(t, "acme", r.Customer)
		assert.Len(t, r.SHA256, 64)
		seen[r.Sequence] = true
		_, err = note.Open([]byte(r.Checkpoint), note.VerifierList(e.id.Fleet))
		assert.NoError(t, err, "signed by the fleet too")
	}
	assert.Len(t, seen, reports)
	assert.Len(t, f.store.logs, reports+lost)

	// A gateway that knows nothing of it yet takes it like the others.
	url := f.gateway(nil)
	r := e.record()
	code, receipt := e.send(url, r)
	require.Equal(t, 200, code)
	require.NotNil(t, receipt)
	// And a replay of all that was, at a gateway that has forgotten, changes nothing.
	again := f.gateway(nil)
	before := f.store.count()
	for n := 1; n <= reports; n++ {
		code, _, _ := send(e.http, again+"/v1/metrics", report(e.o.Install, n, float64(100*n)))
		require.Equal(t, 200, code)
	}
	assert.Equal(t, before, f.store.count())
}

// A ledger that was rolled back and went on otherwise cannot get a receipt from
// any gateway, whatever they remember: the last receipt says what it was.
func TestALedgerThatWasRolledBackGetsNoReceipt(t *testing.T) {
	f := newFleet(t)
	urls := []string{f.gateway(nil), f.gateway(nil)}
	e := f.newEdge("acme", urls[0])
	r := e.record()
	_, receipt := e.send(urls[0], r)
	e.done(r, receipt)
	require.NoError(t, e.l.Close())
	backup := filepath.Join(t.TempDir(), "ledger")
	require.NoError(t, os.CopyFS(backup, os.DirFS(e.dir)))
	e.open()
	for range 3 {
		r := e.record()
		_, receipt = e.send(urls[e.n%2], r)
		require.NotNil(t, receipt)
		e.done(r, receipt)
	}
	require.NoError(t, e.l.Close())

	// The forger restores the backup, reports otherwise, and shows the receipt
	// that the fleet gave for what is gone.
	e.dir, e.n = backup, 1
	e.open()
	for range 8 {
		r = e.record()
	}
	s, err := e.l.State(r, nil)
	require.NoError(t, err)
	s.Previous = receipt
	for _, url := range urls {
		code, text, h := send(e.http, url+"/v1/metrics", r.Body, "Weir-Ledger", base64.RawURLEncoding.EncodeToString(s.Encode()))
		require.Equal(t, 200, code, text)
		assert.Empty(t, h.Get("Weir-Receipt"))
	}
	// Without showing it, it gets one: the fleet remembers nothing. But then the
	// fleet holds two receipts for one place, which no honest ledger leads to.
	s.Previous = nil
	code, _, h := send(e.http, urls[0]+"/v1/metrics", r.Body, "Weir-Ledger", base64.RawURLEncoding.EncodeToString(s.Encode()))
	require.Equal(t, 200, code)
	require.NotEmpty(t, h.Get("Weir-Receipt"))
	last := f.store.logs[len(f.store.logs)-1]
	assert.Equal(t, r.Index, last.Index)

	// Nor does a statement about another body, or bytes that are none.
	other := e.record()
	for _, text := range []string{base64.RawURLEncoding.EncodeToString(s.Encode()), "AAAA", "!", strings.Repeat("A", 16<<10)} {
		code, _, h := send(e.http, urls[0]+"/v1/metrics", other.Body, "Weir-Ledger", text)
		require.Equal(t, 200, code)
		assert.Empty(t, h.Get("Weir-Receipt"))
	}
}

// An answer of success means that the report and its receipt are stored.
func TestWhileTheStoreIsDownNothingIsAcknowledged(t *testing.T) {
	f := newFleet(t)
	url := f.gateway(nil)
	e := f.newEdge("acme", url)
	r := e.record()
	f.store.down = errors.New("full")
	for range 3 {
		code, receipt := e.send(url, r)
		assert.Equal(t, 503, code)
		assert.Nil(t, receipt)
	}
	f.store.down = nil
	code, receipt := e.send(url, r)
	assert.Equal(t, 200, code)
	assert.NotNil(t, receipt)
	assert.Len(t, f.store.logs, 1)
}
