package console

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// written is a ledger with n reports, of which the last waits and the one
// before it was refused.
func written(t *testing.T, dir string, n int) *ledger.Ledger {
	t.Helper()
	at := noon
	l, err := ledger.Open(vfs.OS, dir, ledger.Options{Install: "6f9619ff-8b86-4d01-b42d-00c04fc964ff", Now: func() time.Time {
		at = at.Add(time.Second)
		return at
	}})
	require.NoError(t, err)
	p, err := policy.Parse("allowlist.yaml", []byte(samplePolicy))
	require.NoError(t, err)
	add := func(r ledger.Record) ledger.Record {
		r.PolicyDigest = p.Digest
		got, err := l.Append(r)
		require.NoError(t, err)
		return got
	}
	add(ledger.Record{Kind: ledger.KindPolicy, Body: p.Source})
	add(ledger.Record{Kind: ledger.KindAcceptance, Body: []byte(`{"by":"Ada"}`)})
	for i := range n {
		r := add(ledger.Record{Kind: ledger.KindReport, Sequence: l.NextSequence(), Destination: p.Destination, Body: fmt.Appendf(nil, "\n\x00%d", i)})
		switch {
		case i == n-1:
		case i == n-2:
			o := ledger.Outcome{Result: ledger.Refused, Status: "4xx"}
			_, err = l.Append(o.Record(&r))
		default:
			o := ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx"}
			_, err = l.Append(o.Record(&r))
		}
		require.NoError(t, err)
	}
	return l
}

func TestTheLedgerIsListedBackwardsPageByPage(t *testing.T) {
	f := newFixture(t)
	var page ledgerAnswer
	require.Equal(t, 200, f.do(t, "GET", "/weir/v1/ledger", "", &page).StatusCode)
	require.Empty(t, page.Records, "there is no ledger yet")

	l := written(t, filepath.Join(f.data, "ledger"), 700)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	var all []recordAnswer
	for before := ""; ; before = fmt.Sprint("&before=", all[len(all)-1].Index) {
		page = ledgerAnswer{}
		require.Equal(t, 200, f.do(t, "GET", "/weir/v1/ledger?kind=report&limit=99"+before, "", &page).StatusCode)
		require.EqualValues(t, 2+700+699, page.Size, "also what no checkpoint covers yet")
		if len(page.Records) == 0 {
			break
		}
		all = append(all, page.Records...)
	}
	require.Len(t, all, 700)
	for i, r := range all {
		require.EqualValues(t, 700-i, r.Sequence)
		require.Equal(t, map[int]string{0: "pending", 1: "refused"}[min(i, 2)]+map[bool]string{true: "acknowledged"}[i > 1], r.Outcome)
	}
	for _, bad := range []string{"limit=0", "limit=x", "limit=100000", "before=-1", "before=x"} {
		require.Equal(t, 400, f.do(t, "GET", "/weir/v1/ledger?"+bad, "", nil).StatusCode, bad)
	}
}

func TestARecordComesWithItsBytesAndItsProof(t *testing.T) {
	f := newFixture(t)
	l := written(t, filepath.Join(f.data, "ledger"), 20)
	var d detailAnswer
	last := l.Tree().N - 1
	require.Equal(t, 200, f.do(t, "GET", fmt.Sprint("/weir/v1/ledger/", last), "", &d).StatusCode)
	require.Empty(t, d.Header, "no checkpoint covers it yet")
	require.NoError(t, l.Close())

	for index := range last + 1 {
		d = detailAnswer{}
		require.Equal(t, 200, f.do(t, "GET", fmt.Sprint("/weir/v1/ledger/", index), "", &d).StatusCode)
		header, err := base64.StdEncoding.DecodeString(d.Header)
		require.NoError(t, err)
		v, err := ledger.LoadVerifier(vfs.OS, filepath.Join(f.data, "ledger"))
		require.NoError(t, err)
		c, err := ledger.OpenCheckpoint([]byte(d.Proof.Checkpoint), v)
		require.NoError(t, err)
		var proof tlog.RecordProof
		for _, h := range d.Proof.Hashes {
			b, err := base64.StdEncoding.DecodeString(h)
			require.NoError(t, err)
			proof = append(proof, tlog.Hash(b))
		}
		require.NoError(t, tlog.CheckRecord(proof, c.Size, c.Root, index, tlog.RecordHash(header)))
	}
	require.Equal(t, 404, f.do(t, "GET", "/weir/v1/ledger/99999", "", nil).StatusCode)
	require.Equal(t, 400, f.do(t, "GET", "/weir/v1/ledger/-1", "", nil).StatusCode)
}

// The browser checks proofs with code of its own (src/proof.ts). Its test reads
// this file; it is written anew with WEIR_WRITE_PROOFS=1, and the keys in it
// are of the moment.
func TestProofsForTheBrowserAreOfThisForm(t *testing.T) {
	const name = "test/proofs.json"
	if os.Getenv("WEIR_WRITE_PROOFS") != "" {
		f := newFixture(t)
		l := written(t, filepath.Join(f.data, "ledger"), 6)
		require.NoError(t, l.Close())
		var all []detailAnswer
		for i := range 13 {
			var d detailAnswer
			require.Equal(t, 200, f.do(t, "GET", fmt.Sprint("/weir/v1/ledger/", i), "", &d).StatusCode)
			all = append(all, d)
		}
		b, err := json.MarshalIndent(all, "", " ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(name, append(b, '\n'), 0o644))
	}
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	var all []detailAnswer
	require.NoError(t, json.Unmarshal(b, &all))
	require.Len(t, all, 13)
	for _, d := range all {
		header, err := base64.StdEncoding.DecodeString(d.Header)
		require.NoError(t, err)
		require.Equal(t, byte(1), header[0], "the version that the browser reads")
	}
}

// What left in a day is added up from the reports' bytes; each record is read
// once, and what is older goes.
func TestWhatLeftInADayIsAddedUpByEntry(t *testing.T) {
	f := newFixture(t)
	var none sentAnswer
	require.Equal(t, 200, f.do(t, "GET", "/weir/v1/sent", "", &none).StatusCode)
	require.NotNil(t, none.Entries, "there is no ledger yet")

	m, at := vfs.NewMem(), noon.Add(-30*time.Hour)
	l, err := ledger.Open(m, "/ledger", ledger.Options{Install: f.Install().ID, Now: func() time.Time { return at }})
	require.NoError(t, err)
	report := func(n int) []byte {
		md := pmetric.NewMetrics()
		m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		m.SetName("requests")
		dps := m.SetEmptySum().DataPoints()
		for range n {
			dps.AppendEmpty().SetIntValue(1)
		}
		b, err := new(pmetric.ProtoMarshaler).MarshalMetrics(md)
		require.NoError(t, err)
		return b
	}
	add := func(n int) {
		_, err := l.Append(ledger.Record{Kind: ledger.KindReport, Sequence: l.NextSequence(), Body: report(n)})
		require.NoError(t, err)
	}
	for range 30 * 60 {
		at = at.Add(time.Minute)
		add(2)
	}
	require.NoError(t, l.Close())
	c := counter{fsys: m, dir: "/ledger"}
	got, err := c.last(noon)
	require.NoError(t, err)
	require.InDelta(t, 24*60, got.Reports, 6)
	require.Equal(t, got.Reports*int64(len(report(2))), got.Bytes)
	require.Equal(t, sentPart{Reports: got.Reports, Values: 2 * got.Reports, Bytes: got.Entries["requests"].Bytes}, got.Entries["requests"])
	before := got.Reports
	l, err = ledger.Open(m, "/ledger", ledger.Options{Install: f.Install().ID, Now: func() time.Time { return at }})
	require.NoError(t, err)
	add(5)
	require.NoError(t, l.Close())
	got, err = c.last(noon)
	require.NoError(t, err)
	require.Equal(t, before+1, got.Reports)
	require.Equal(t, 2*before+5, got.Entries["requests"].Values)
	for _, later := range []time.Duration{12 * time.Hour, 25 * time.Hour} {
		a, err := c.last(noon.Add(later))
		require.NoError(t, err)
		require.InDelta(t, max(0, (24*time.Hour-later).Minutes()), float64(a.Reports), 7, later)
	}
	require.Empty(t, c.pieces)
}
