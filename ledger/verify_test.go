package ledger_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

// stored is a closed ledger's files by name, without the lock.
type stored map[string][]byte

func store(t *testing.T, m *vfs.Mem) stored {
	t.Helper()
	list, err := m.ReadDir(dir)
	require.NoError(t, err)
	s := stored{}
	for _, e := range list {
		if e.Name() == "lock" {
			continue
		}
		b, err := vfs.ReadFile(m, filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		s[e.Name()] = b
	}
	return s
}

func (s stored) mem(t *testing.T) *vfs.Mem {
	t.Helper()
	m := vfs.NewMem()
	require.NoError(t, m.MkdirAll(dir, 0o700))
	for name, b := range s {
		require.NoError(t, vfs.WriteFileAtomic(m, filepath.Join(dir, name), b, 0o600))
	}
	for d := dir; d != filepath.Dir(d); {
		d = filepath.Dir(d)
		require.NoError(t, m.SyncDir(d))
	}
	return m
}

func (s stored) clone() stored {
	c := stored{}
	for name, b := range s {
		c[name] = bytes.Clone(b)
	}
	return c
}

func (s stored) names(suffix string) []string {
	var names []string
	for name := range s {
		if strings.HasSuffix(name, suffix) {
			names = append(names, name)
		}
	}
	sortStrings(names)
	return names
}

// frames are the extents of a plain segment's frames.
func frames(b []byte) [][2]int {
	var out [][2]int
	for off := ledger.HeaderLength(b); off < len(b); {
		n := 12 + int(binary.BigEndian.Uint32(b[off:])) + int(binary.BigEndian.Uint32(b[off+4:])) + 8
		out = append(out, [2]int{off, off + n})
		off += n
	}
	return out
}

func made(t *testing.T, recs []ledger.Record) stored {
	t.Helper()
	m := vfs.NewMem()
	l := open(t, m)
	fill(t, l, recs)
	require.NoError(t, l.Close())
	return store(t, m)
}

// tamper are the ways in which a stored ledger is changed. Each changes s, or
// returns false if its random choice changed nothing. It has the original and
// the ledger as it was some records earlier at hand.
var tamper = map[string]func(r *rand.Rand, s, earlier, forked stored) bool{
	"flip a byte": func(r *rand.Rand, s, _, _ stored) bool {
		names := s.names("")
		b := s[names[r.IntN(len(names))]]
		b[r.IntN(len(b))] ^= byte(1 + r.IntN(255))
		return true
	},
	"truncate a file": func(r *rand.Rand, s, _, _ stored) bool {
		names := s.names("")
		name := names[r.IntN(len(names))]
		s[name] = s[name][:r.IntN(len(s[name]))]
		return true
	},
	"truncate between records": func(r *rand.Rand, s, _, _ stored) bool {
		names := s.names(".seg")
		name := names[r.IntN(len(names))]
		n, plain, encoding := ledger.Unpack(s[name])
		f := frames(plain)
		if len(f) == 0 {
			return false
		}
		s[name] = ledger.Repack(n, plain[:f[r.IntN(len(f))][0]], encoding)
		return true
	},
	"cut off the end, old checkpoint and all": func(_ *rand.Rand, s, earlier, _ stored) bool {
		clear(s)
		for name, b := range earlier {
			s[name] = b
		}
		return true
	},
	"put an old checkpoint back": func(_ *rand.Rand, s, earlier, _ stored) bool {
		s["checkpoint"] = earlier["checkpoint"]
		return true
	},
	"delete a file": func(r *rand.Rand, s, _, _ stored) bool {
		names := s.names("")
		name := names[r.IntN(len(names))]
		delete(s, name)
		return name != "signer.key" // a copy for review has none
	},
	"delete a record": func(r *rand.Rand, s, _, _ stored) bool {
		return edit(r, s, 1, func(f [][]byte, i int) [][]byte { return append(f[:i:i], f[i+1:]...) })
	},
	"swap two records": func(r *rand.Rand, s, _, _ stored) bool {
		return edit(r, s, 2, func(f [][]byte, i int) [][]byte {
			j := (i + 1) % len(f)
			f[i], f[j] = f[j], f[i]
			return f
		})
	},
	"replay a record": func(r *rand.Rand, s, _, _ stored) bool {
		return edit(r, s, 1, func(f [][]byte, i int) [][]byte { return append(f, f[i]) })
	},
	"swap two segments": func(r *rand.Rand, s, _, _ stored) bool {
		names := s.names(".seg")
		i := r.IntN(len(names) - 1)
		s[names[i]], s[names[i+1]] = s[names[i+1]], s[names[i]]
		return true
	},
	"replay a segment at the end": func(r *rand.Rand, s, _, _ stored) bool {
		names := s.names(".seg")
		s[fmt.Sprintf("%020d.seg", first(names[len(names)-1])+9)] = s[names[r.IntN(len(names))]]
		return true
	},
	"change a record and mend its checksum": func(r *rand.Rand, s, _, _ stored) bool {
		names := s.names(".seg")
		name := names[r.IntN(len(names))]
		n, plain, encoding := ledger.Unpack(s[name])
		recs, _, _, _ := ledger.ReadFramesOf(plain[n:], encoding)
		if len(recs) == 0 {
			return false
		}
		i := r.IntN(len(recs))
		switch r.IntN(4) {
		case 0:
			recs[i].Body = append(recs[i].Body, 'x')
		case 1:
			recs[i].Destination += "x"
		case 2:
			recs[i].Time = recs[i].Time.Add(1)
		case 3:
			recs[i].PolicyDigest[r.IntN(32)] ^= 1
		}
		b := plain[:n:n]
		for _, rec := range recs {
			b = ledger.AppendFrame(b, rec)
		}
		s[name] = ledger.Repack(n, b, encoding)
		return true
	},
	"fork, signed with the same key": func(_ *rand.Rand, s, _, forked stored) bool {
		clear(s)
		for name, b := range forked {
			s[name] = b
		}
		return true
	},
	"fork one file": func(r *rand.Rand, s, _, forked stored) bool {
		names := s.names(".seg")
		name := names[r.IntN(len(names))]
		if bytes.Equal(s[name], forked[name]) || forked[name] == nil {
			return false
		}
		s[name] = forked[name]
		return true
	},
}

// edit changes the frames of one segment that has at least n.
func edit(r *rand.Rand, s stored, n int, change func([][]byte, int) [][]byte) bool {
	names := s.names(".seg")
	name := names[r.IntN(len(names))]
	header, b, encoding := ledger.Unpack(s[name])
	var list [][]byte
	for _, x := range frames(b) {
		list = append(list, b[x[0]:x[1]])
	}
	if len(list) < n {
		return false
	}
	s[name] = ledger.Repack(header, append(b[:header:header], bytes.Join(change(list, r.IntN(len(list))), nil)...), encoding)
	return true
}

// TestEveryTamperingIsDetected changes a stored ledger in 1,000 random ways and
// demands that Verify, with a checkpoint held elsewhere, finds each of them;
// and 1,000 times one whose oldest segments are gone or have no bodies.
func TestEveryTamperingIsDetected(t *testing.T) {
	recs, forkedRecs := history(60), history(60)
	for i := 31; i < 60; i++ {
		forkedRecs[i].Destination = "https://other.example"
	}
	t.Run("packed", func(t *testing.T) {
		whole := made(t, recs)
		require.Contains(t, encodings(t, whole), uint16(1))
		everyTampering(t, whole, made(t, recs[:51]), made(t, forkedRecs))
	})
	t.Run("pruned", func(t *testing.T) {
		aged := func(reports int, to string) stored {
			m := vfs.NewMem()
			l := openAging(t, m)
			_, err := liveTo(l, 110, "https://fleet.example")
			require.NoError(t, err)
			_, err = liveTo(l, reports, to)
			require.NoError(t, err)
			require.NoError(t, l.TidyErr())
			require.NoError(t, l.Close())
			return store(t, m)
		}
		whole := aged(10, "https://fleet.example")
		require.Contains(t, encodings(t, whole), uint16(1))
		require.Contains(t, encodings(t, whole), uint16(2))
		require.NotZero(t, first(whole.names(".seg")[0]))
		everyTampering(t, whole, aged(6, "https://fleet.example"), aged(10, "https://other.example"))
	})
}

func everyTampering(t *testing.T, whole, earlier, forked stored) {
	external := whole["checkpoint"]
	v, err := ledger.Verify(whole.mem(t), dir, external)
	require.NoError(t, err)
	require.Empty(t, v.Faults)
	require.Equal(t, earlier["verifier.pub"], whole["verifier.pub"], "one key")

	var names []string
	for name := range tamper {
		names = append(names, name)
	}
	sortStrings(names)
	r := rand.New(rand.NewPCG(1, 2))
	done := 0
	for n := 0; done < 1000; n++ {
		name := names[n%len(names)]
		s := whole.clone()
		if !tamper[name](r, s, earlier.clone(), forked.clone()) {
			continue
		}
		done++
		v, err := ledger.Verify(s.mem(t), dir, external)
		require.NoError(t, err, name)
		require.NotEmpty(t, v.Faults, "%s, number %d", name, n)
		for _, f := range v.Faults {
			require.NotEmpty(t, f.File)
		}
	}
}

func TestVerifySaysWhere(t *testing.T) {
	whole := made(t, history(22))
	segs := whole.names(".seg")
	seg, packed := segs[len(segs)-1], segs[1]
	f := frames(whole[seg])
	require.Greater(t, len(f), 1)
	header, plain, _ := ledger.Unpack(whole[packed])
	old := frames(plain)
	for name, c := range map[string]struct {
		change func(s stored)
		file   string
		offset int
		index  int64
		what   string
	}{
		"a body's byte": {
			func(s stored) { s[seg][f[1][1]-9] ^= 1 },
			seg, f[1][0], first(seg) + 1, "record does not match its checksum",
		},
		"a length": {
			func(s stored) { s[seg][f[0][0]+2] ^= 1 },
			seg, f[0][0], first(seg), "record's lengths do not match their checksum",
		},
		"the segment's header": {
			func(s stored) { s[seg][20] ^= 1 },
			seg, 0, first(seg), "segment header does not match its checksum",
		},
		"a stored hash": {
			func(s stored) { s["hashes"][5*32+3] ^= 1 },
			"hashes", 5 * 32, -2, "stored hash is not that of the records",
		},
		"a block": {
			func(s stored) { s[packed][header+40] ^= 1 },
			packed, header, first(packed), "block does not match its checksum",
		},
		"a block's length": {
			func(s stored) { s[packed][header+2] ^= 1 },
			packed, 0, first(packed), "block's lengths do not match their checksum",
		},
		"the end of a packed segment": {
			func(s stored) { s[packed] = s[packed][:len(s[packed])-1] },
			packed, 0, first(packed), "packed segment has no end",
		},
		"a record of a packed segment": {
			func(s stored) {
				b := bytes.Clone(plain)
				b[old[1][1]-9] ^= 1
				s[packed] = ledger.Repack(header, b, 1)
			},
			packed, old[1][0], first(packed) + 1, "record does not match its checksum",
		},
		"a segment's state": {
			func(s stored) { s[packed][50] ^= 1 },
			packed, 0, first(packed), "segment's state does not match its checksum",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := whole.clone()
			c.change(s)
			v, err := ledger.Verify(s.mem(t), dir, nil)
			require.NoError(t, err)
			require.NotEmpty(t, v.Faults)
			got := v.Faults[0]
			assert.Equal(t, filepath.Join(dir, c.file), got.File)
			assert.EqualValues(t, c.offset, got.Offset)
			assert.Equal(t, c.what, got.What)
			if c.index != -2 {
				assert.Equal(t, c.index, got.Index)
			}
			_, err = ledger.Open(s.mem(t), dir, options())
			var fault *ledger.Fault
			if c.file != seg {
				require.NoError(t, err, "open reads the tail")
				return
			}
			require.ErrorAs(t, err, &fault, "what verify finds in the tail, open refuses")
			assert.Equal(t, got.File, fault.File)
			assert.Equal(t, got.Offset, fault.Offset)
			assert.NotEmpty(t, fault.Hint)
		})
	}
}

func first(seg string) int64 {
	var n int64
	_, _ = fmt.Sscanf(seg, "%020d.seg", &n)
	return n
}

// TestVerifyReadsTheMeaning appends what the ledger itself does not refuse.
func TestVerifyReadsTheMeaning(t *testing.T) {
	report := ledger.Record{Kind: ledger.KindReport, Sequence: 1, PolicyDigest: policyDigest(), Body: []byte("x")}
	for name, c := range map[string]struct {
		recs []ledger.Record
		want string
	}{
		"no acceptance":    {[]ledger.Record{report}, "report's policy has no earlier acceptance"},
		"acceptance later": {[]ledger.Record{report, {Kind: ledger.KindAcceptance, PolicyDigest: policyDigest()}}, "report's policy has no earlier acceptance"},
		"taken back":       {[]ledger.Record{{Kind: ledger.KindAcceptance, PolicyDigest: policyDigest()}, {Kind: ledger.KindRevocation, PolicyDigest: policyDigest()}, report}, "report's policy has no earlier acceptance"},
		"another's policy": {[]ledger.Record{{Kind: ledger.KindPolicy, PolicyDigest: [32]byte{1}, Body: policySource}}, "policy is not the one its digest is of"},
		"wrong sequence": {[]ledger.Record{
			{Kind: ledger.KindAcceptance, PolicyDigest: policyDigest()}, report,
			{Kind: ledger.KindOutcome, Sequence: 2, Body: []byte(`{"report":1,"outcome":"acknowledged","status":"2xx"}`)},
		}, "outcome has sequence 2, its report 1"},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := ledger.Verify(made(t, c.recs).mem(t), dir, nil)
			require.NoError(t, err)
			require.Len(t, v.Faults, 1)
			assert.Equal(t, c.want, v.Faults[0].What)
		})
	}
}

func TestVerifyCountsAndTakesAnUnfinishedTail(t *testing.T) {
	m := vfs.NewMem()
	l := open(t, m)
	recs := fill(t, l, history(29))
	var reports, bytes int64
	for _, r := range recs {
		if r.Kind == ledger.KindReport {
			reports, bytes = reports+1, bytes+int64(len(r.Body))
		}
	}
	check := func(incomplete bool) {
		t.Helper()
		v, err := ledger.Verify(m, dir, nil) // while it is open
		require.NoError(t, err)
		assert.Empty(t, v.Faults)
		assert.EqualValues(t, 29, v.Records)
		assert.Equal(t, reports, v.Reports)
		assert.Equal(t, bytes, v.Bytes)
		assert.EqualValues(t, l.PendingCount(), v.Pending)
		assert.Equal(t, install, v.Install)
		assert.Equal(t, l.Tree().Hash.String(), v.Root)
		assert.Equal(t, incomplete, v.Incomplete)
	}
	check(false)
	m.Inject = func(op vfs.Op) error {
		if op.Kind == vfs.OpWrite && !op.After {
			return vfs.ErrTorn
		}
		return nil
	}
	_, err := l.Append(ledger.Record{Kind: ledger.KindPolicy, Body: policySource, PolicyDigest: policyDigest()})
	require.Error(t, err)
	m.Inject = nil
	check(true)
}

func TestVerifyWithoutALedger(t *testing.T) {
	_, err := ledger.Verify(vfs.NewMem(), dir, nil)
	assert.ErrorIs(t, err, ledger.ErrNone)
	m := vfs.NewMem()
	require.NoError(t, m.MkdirAll(dir, 0o700))
	_, err = ledger.Verify(m, dir, nil)
	assert.ErrorIs(t, err, ledger.ErrNone)
	m.Inject = func(vfs.Op) error { return fs.ErrPermission }
	_, err = ledger.Verify(m, dir, nil)
	assert.ErrorIs(t, err, fs.ErrPermission)
}
