package ledger_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

// fleetKey is a countersigning key; the same seed gives the same key.
func fleetKey(t require.TestingT, name string, seed byte) (note.Signer, note.Verifier) {
	private, public, err := note.GenerateKey(rand.NewChaCha8([32]byte{seed}), name)
	require.NoError(t, err)
	s, err := note.NewSigner(private)
	require.NoError(t, err)
	v, err := note.NewVerifier(public)
	require.NoError(t, err)
	return s, v
}

// edge is a ledger that reports to a fleet, as upstream and the receiver do it.
type edge struct {
	l    *ledger.Ledger
	fs   *vfs.Mem
	key  note.Verifier
	sent []ledger.Record
}

func newEdge(t require.TestingT, o ledger.Options) *edge {
	m := vfs.NewMem()
	l, err := ledger.Open(m, dir, o)
	require.NoError(t, err)
	key, err := ledger.LoadVerifier(m, dir)
	require.NoError(t, err)
	return &edge{l: l, fs: m, key: key}
}

func (e *edge) report(t require.TestingT, body []byte) ledger.Record {
	r, err := e.l.Append(ledger.Record{Kind: ledger.KindReport, Sequence: e.l.NextSequence(), PolicyDigest: policyDigest(), Destination: "https://fleet.example", Body: body})
	require.NoError(t, err)
	e.sent = append(e.sent, r)
	return r
}

func (e *edge) state(t require.TestingT, r ledger.Record) ledger.Statement {
	s, err := e.l.State(r, e.l.LastReceipt())
	require.NoError(t, err)
	return s
}

// deliver has the fleet check and countersign, and records the receipt.
func (e *edge) deliver(t require.TestingT, r ledger.Record, signer note.Signer, fleet note.Verifier) ledger.Statement {
	s := e.state(t, r)
	require.NoError(t, s.Check(r.Body, install, e.key, fleet))
	receipt, err := ledger.Countersign(s.Checkpoint, signer)
	require.NoError(t, err)
	require.NoError(t, s.CheckReceipt(receipt, fleet))
	_, err = e.l.Append(ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx", Receipt: string(receipt)}.Record(&r))
	require.NoError(t, err)
	require.Equal(t, receipt, e.l.LastReceipt())
	return s
}

func TestATrueStatementIsBelievedAndCountersigned(t *testing.T) {
	signer, fleet := fleetKey(t, "fleet.example", 9)
	e := newEdge(t, options())
	assert.Nil(t, e.l.LastReceipt())
	for n := range 40 {
		r := e.report(t, bytes.Repeat([]byte{byte(n)}, n))
		s := e.deliver(t, r, signer, fleet)
		assert.Equal(t, n > 0, len(s.Previous) > 0)
		got, err := s.Report()
		require.NoError(t, err)
		assert.Equal(t, r.Sequence, got.Sequence)
		if n%7 == 3 { // a restart keeps the last receipt
			last := e.l.LastReceipt()
			require.NoError(t, e.l.Close())
			e.l = open(t, e.fs)
			require.Equal(t, last, e.l.LastReceipt())
		}
	}
	// An old report that was retried meanwhile is stated with today's tree.
	require.NoError(t, e.state(t, e.sent[3]).Check(e.sent[3].Body, install, e.key, fleet))
}

func TestStateCoversTheReportOnDiskFirst(t *testing.T) {
	o := options()
	o.CheckpointRecords = 1000
	e := newEdge(t, o)
	r := e.report(t, []byte("x"))
	s := e.state(t, r)
	onDisk, err := vfs.ReadFile(e.fs.Crash(), dir+"/checkpoint")
	require.NoError(t, err)
	assert.Equal(t, onDisk, s.Checkpoint)
	_, err = e.l.State(ledger.Record{Kind: ledger.KindReport, Index: 9}, nil)
	assert.Error(t, err)
	_, err = e.l.State(ledger.Record{Kind: ledger.KindPolicy}, nil)
	assert.Error(t, err)
	_, err = e.l.State(r, []byte("no receipt"))
	assert.Error(t, err)
}

// TestAnythingElseIsRefused: each fault alone, with the reason for it.
func TestAnythingElseIsRefused(t *testing.T) {
	signer, fleet := fleetKey(t, "fleet.example", 9)
	_, strangerFleet := fleetKey(t, "fleet.example", 8)
	e := newEdge(t, options())
	for n := range 9 {
		e.deliver(t, e.report(t, []byte{byte(n)}), signer, fleet)
	}
	r := e.report(t, []byte("the report"))
	good := e.state(t, r)
	require.NoError(t, good.Check(r.Body, install, e.key, fleet))

	stranger := options()
	stranger.Rand = rand.NewChaCha8([32]byte{2})
	otherKey := newEdge(t, stranger)
	foreign := otherKey.state(t, otherKey.report(t, []byte("the report")))

	o := options()
	o.Install = "11111111-2222-4333-8444-555555555555"
	other := newEdge(t, o)
	others := other.state(t, other.report(t, []byte("the report")))

	// The same key, another history: the fork agrees with itself only.
	fork := newEdge(t, options())
	for range 40 {
		fork.report(t, []byte("another history"))
	}
	last := fork.sent[len(fork.sent)-1]
	forked := fork.state(t, last)
	require.NoError(t, forked.Check(last.Body, install, e.key, fleet), "alone it cannot be told")
	forked.Previous, forked.Consistency = good.Previous, good.Consistency

	outcome := good
	o2 := ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx"}.Record(&r)
	o2, err := e.l.Append(o2)
	require.NoError(t, err)
	outcome.Header = ledger.HeaderOf(o2)
	outcome.Index = o2.Index

	with := func(change func(*ledger.Statement)) ledger.Statement {
		s := good
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		s     ledger.Statement
		body  []byte
		who   string
		edge  note.Verifier
		fleet note.Verifier
		want  ledger.Refusal
	}{
		"another body":                  {good, []byte("the Report"), install, e.key, fleet, ledger.RefusedBody},
		"a longer body":                 {good, append(bytes.Clone(r.Body), 0), install, e.key, fleet, ledger.RefusedBody},
		"a record that is no report":    {outcome, o2.Body, install, e.key, fleet, ledger.RefusedBody},
		"another index":                 {with(func(s *ledger.Statement) { s.Index-- }), r.Body, install, e.key, fleet, ledger.RefusedBody},
		"a key for another install":     {good, r.Body, o.Install, e.key, fleet, ledger.RefusedInstall},
		"another install's ledger":      {others, r.Body, install, e.key, fleet, ledger.RefusedInstall},
		"the install's name, other key": {foreign, r.Body, install, e.key, fleet, ledger.RefusedSignature},
		"other receipts' key":           {good, r.Body, install, e.key, strangerFleet, ledger.RefusedSignature},
		"no receipts' key":              {good, r.Body, install, e.key, nil, ledger.RefusedSignature},
		"a receipt nobody signed":       {with(func(s *ledger.Statement) { s.Previous = s.Checkpoint }), r.Body, install, e.key, fleet, ledger.RefusedSignature},
		"a fork":                        {forked, last.Body, install, e.key, fleet, ledger.RefusedInconsistent},
		"no proof of the past":          {with(func(s *ledger.Statement) { s.Consistency = nil }), r.Body, install, e.key, fleet, ledger.RefusedInconsistent},
		"no proof of the record":        {with(func(s *ledger.Statement) { s.Inclusion = nil }), r.Body, install, e.key, fleet, ledger.RefusedNotIncluded},
		"an older checkpoint":           {with(func(s *ledger.Statement) { s.Checkpoint = s.Previous }), r.Body, install, e.key, fleet, ledger.RefusedNotIncluded},
		"a proof of nothing":            {with(func(s *ledger.Statement) { s.Previous = nil }), r.Body, install, e.key, fleet, ledger.RefusedMalformed},
		"no checkpoint":                 {with(func(s *ledger.Statement) { s.Checkpoint = nil }), r.Body, install, e.key, fleet, ledger.RefusedMalformed},
		"no header":                     {with(func(s *ledger.Statement) { s.Header = nil }), r.Body, install, e.key, fleet, ledger.RefusedMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.s.Check(c.body, c.who, c.edge, c.fleet)
			assert.Equal(t, c.want, err)
			assert.NotEmpty(t, err.Error())
			assert.Contains(t, ledger.Refusals, c.want)
		})
	}
}

// TestNoByteOfAStatementCanBeChanged flips every bit of one.
func TestNoByteOfAStatementCanBeChanged(t *testing.T) {
	signer, fleet := fleetKey(t, "fleet.example", 9)
	e := newEdge(t, options())
	for n := range 5 {
		e.deliver(t, e.report(t, []byte{byte(n)}), signer, fleet)
	}
	r := e.report(t, []byte("the report"))
	whole := e.state(t, r).Encode()
	require.Less(t, len(whole), 1500)
	for i := range whole {
		for bit := range 8 {
			b := bytes.Clone(whole)
			b[i] ^= 1 << bit
			s, err := ledger.ParseStatement(b)
			if err == nil {
				err = s.Check(r.Body, install, e.key, fleet)
			}
			var why ledger.Refusal
			require.ErrorAs(t, err, &why, "byte %d bit %d", i, bit)
		}
	}
	for n := range whole {
		_, err := ledger.ParseStatement(whole[:n])
		require.Equal(t, ledger.RefusedMalformed, err)
	}
}

func TestAReceiptIsForItsStatementOnly(t *testing.T) {
	signer, fleet := fleetKey(t, "fleet.example", 9)
	other, otherFleet := fleetKey(t, "other.example", 9)
	e := newEdge(t, options())
	early := e.deliver(t, e.report(t, []byte("1")), signer, fleet)
	r := e.report(t, []byte("2"))
	s := e.state(t, r)
	receipt, err := ledger.Countersign(s.Checkpoint, signer)
	require.NoError(t, err)
	require.NoError(t, s.CheckReceipt(receipt, fleet))
	assert.Equal(t, ledger.RefusedReceipt, early.CheckReceipt(receipt, fleet))
	assert.Equal(t, ledger.RefusedSignature, s.CheckReceipt(receipt, otherFleet))
	assert.Equal(t, ledger.RefusedSignature, s.CheckReceipt(receipt, nil))
	assert.Equal(t, ledger.RefusedSignature, s.CheckReceipt(s.Checkpoint, fleet))
	assert.Equal(t, ledger.RefusedMalformed, s.CheckReceipt(make([]byte, 3000), fleet))
	bare, err := note.Sign(&note.Note{Text: string(s.Checkpoint[:bytes.Index(s.Checkpoint, []byte("\n\n"))+1])}, signer)
	require.NoError(t, err)
	assert.Equal(t, ledger.RefusedReceipt, s.CheckReceipt(bare, fleet), "the edge's own signature was taken off")
	for i := range receipt {
		bad := bytes.Clone(receipt)
		bad[i] ^= 1
		assert.Error(t, s.CheckReceipt(bad, fleet), "byte %d", i)
	}

	// What is recorded must be usable in the next statement.
	for name, bad := range map[string]string{
		"garbage": "garbage", "another ledger's": string(otherLedgersReceipt(t, other)), "too long": string(make([]byte, 3000)),
	} {
		_, err := e.l.Append(ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx", Receipt: bad}.Record(&r))
		var why ledger.Refusal
		require.ErrorAs(t, err, &why, name)
		require.NoError(t, e.l.Err())
	}
	for _, msg := range []string{"", "x", "weir ledger x\n1\n", string(s.Checkpoint[:40])} {
		_, err := ledger.Countersign([]byte(msg), signer)
		require.Error(t, err)
	}
}

func otherLedgersReceipt(t *testing.T, signer note.Signer) []byte {
	o := options()
	o.Rand = rand.NewChaCha8([32]byte{2})
	e := newEdge(t, o)
	s := e.state(t, e.report(t, nil))
	receipt, err := ledger.Countersign(s.Checkpoint, signer)
	require.NoError(t, err)
	return receipt
}

// TestTheWitnessLaw has an edge with a random history, one that forks it
// somewhere, and a fleet that keeps nothing. A statement is believed exactly if
// its tree begins with the one that was countersigned.
func TestTheWitnessLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		signer, fleet := fleetKey(t, "fleet.example", 9)
		bodies := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 40), 2, 30).Draw(t, "bodies")
		sent := rapid.IntRange(1, len(bodies)-1).Draw(t, "sent")
		at := rapid.IntRange(0, len(bodies)-1).Draw(t, "changed at")
		forks := rapid.Bool().Draw(t, "forks")
		e, fork := newEdge(t, options()), newEdge(t, options())
		for i, b := range bodies {
			e.report(t, b)
			if forks && i == at {
				b = append(bytes.Clone(b), 'x')
			}
			fork.report(t, b)
			if i+1 == sent {
				require.NoError(t, e.state(t, e.sent[i]).Check(bodies[i], install, e.key, fleet))
			}
		}
		// What the fleet has countersigned: the honest tree of some size.
		of := rapid.IntRange(1, len(bodies)).Draw(t, "countersigned")
		previous := signedPrefix(t, bodies[:of], signer)
		report := fork.sent[rapid.IntRange(0, len(bodies)-1).Draw(t, "report")]
		s, err := fork.l.State(report, previous)
		require.NoError(t, err)
		decoded, err := ledger.ParseStatement(s.Encode())
		require.NoError(t, err)
		require.Equal(t, s.Encode(), decoded.Encode())
		err = decoded.Check(report.Body, install, e.key, fleet)
		if forks && at < of {
			require.Equal(t, ledger.RefusedInconsistent, err)
		} else {
			require.NoError(t, err)
		}
	})
}

// signedPrefix is the receipt for a ledger of exactly these reports.
func signedPrefix(t require.TestingT, bodies [][]byte, signer note.Signer) []byte {
	e := newEdge(t, options())
	for _, b := range bodies {
		e.report(t, b)
	}
	receipt, err := ledger.Countersign(e.state(t, e.sent[len(e.sent)-1]).Checkpoint, signer)
	require.NoError(t, err)
	return receipt
}

// FuzzStatement: whatever comes over the wire, it is refused or has one
// spelling, and only the one true statement is believed.
func FuzzStatement(f *testing.F) {
	signer, fleet := fleetKey(f, "fleet.example", 9)
	e := newEdge(f, options())
	for n := range 6 {
		e.deliver(f, e.report(f, []byte{byte(n)}), signer, fleet)
	}
	r := e.report(f, []byte("the report"))
	s := e.state(f, r)
	whole := s.Encode()
	f.Add(whole)
	f.Add(whole[:len(whole)-7])
	s.Inclusion = append(s.Inclusion, tlog.Hash{})
	f.Add(s.Encode())
	s.Previous, s.Consistency = nil, nil
	f.Add(s.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ledger.ParseStatement(b)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Encode(), b) {
			t.Fatal("a second spelling")
		}
		err = s.Check(r.Body, install, e.key, fleet)
		var why ledger.Refusal
		if err != nil && !errors.As(err, &why) {
			t.Fatalf("no reason: %v", err)
		}
		// Statements with less of the past are true too: that there was a
		// receipt is for the next one to show.
		if err == nil && len(s.Previous) > 0 && !bytes.Equal(b, whole) {
			t.Fatal("a statement that nobody made is believed")
		}
	})
}
