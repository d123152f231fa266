package token

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/internal/vfs"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func made(t *testing.T) Token {
	t.Helper()
	tok, err := NewRandom("acme", "https://fleet.example:4418", make([]byte, 32), now.Add(24*time.Hour))
	require.NoError(t, err)
	return tok
}

func store(t *testing.T, fsys vfs.FS) (Store, Token) {
	t.Helper()
	s := Store{FS: fsys, Dir: filepath.Join(t.TempDir(), "state", "tokens")}
	require.NoError(t, s.FS.MkdirAll(filepath.Dir(s.Dir), 0o700))
	tok := made(t)
	require.NoError(t, s.Create(tok, now))
	return s, tok
}

func TestATokenIsOneLineAndReadsBack(t *testing.T) {
	tok := made(t)
	line := tok.Text()
	assert.True(t, strings.HasPrefix(line, "weir1."))
	assert.NotContains(t, line, "\n")
	got, err := Parse(" " + line + "\n")
	require.NoError(t, err)
	assert.Equal(t, tok, got)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.Equal(t, "token "+tok.ID+" for acme", fmt.Sprintf(verb, tok))
	}
}

func TestOnlyWholeTokensAreRead(t *testing.T) {
	line := made(t).Text()
	raw := func(s string) string { return Prefix + base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for _, bad := range []string{
		"", "weir1.", strings.TrimPrefix(line, Prefix), line[:len(line)-5], "weir2." + line[6:], line + line, line + "=", raw("{}"), raw("[]"), raw("null"),
		Prefix + strings.Repeat("A", 1<<20),
	} {
		_, err := Parse(bad)
		assert.ErrorIs(t, err, ErrMalformed)
	}
	for name, url := range map[string]string{
		"plain": "http://fleet.example", "loopback": "http://127.0.0.1:1", "user": "https://a@fleet.example", "query": "https://fleet.example?a", "none": "", "path": "/x",
	} {
		_, err := NewRandom("acme", url, nil, now)
		assert.ErrorContains(t, err, "https://", name)
	}
	for _, customer := range []string{"", "Acme", "a/b", "..", "-a", strings.Repeat("a", 64), "a b", "a:b"} {
		_, err := NewRandom(customer, "https://fleet.example", nil, now)
		assert.ErrorContains(t, err, "customer's name", customer)
	}
}

// Every bit counts: a token that was tampered with is another one.
func TestATamperedTokenIsUnknown(t *testing.T) {
	s, tok := store(t, vfs.OS)
	line := tok.Text()
	for range 2000 {
		b := []byte(line)
		i := rand.IntN(len(b))
		b[i] ^= 1 << rand.IntN(8)
		_, err := s.Find(string(b), now)
		if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnknown) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	for name, change := range map[string]func(*Token){
		"customer": func(t *Token) { t.Customer = "bank" },
		"expiry":   func(t *Token) { t.Expires = t.Expires.AddDate(1, 0, 0) },
		"fleet":    func(t *Token) { t.URL = "https://evil.example" },
		"pin":      func(t *Token) { t.Pin = nil },
		"secret":   func(t *Token) { t.Secret = make([]byte, 32) },
		"id":       func(t *Token) { t.ID = "0000000000000000" },
	} {
		other := tok
		change(&other)
		_, err := s.Find(other.Text(), now)
		assert.ErrorIs(t, err, ErrUnknown, name)
	}
	_, err := s.Find(line, now)
	require.NoError(t, err)
}

func TestATokenExpires(t *testing.T) {
	s, tok := store(t, vfs.OS)
	_, err := s.Find(tok.Text(), tok.Expires.Add(-time.Second))
	require.NoError(t, err)
	_, err = s.Find(tok.Text(), tok.Expires)
	require.ErrorIs(t, err, ErrExpired)
	// It is forgotten at last, with its mark.
	require.NoError(t, s.Use(tok, Use{Install: "a"}))
	require.NoError(t, s.Create(made(t), tok.Expires.Add(keepExpired-time.Second)))
	_, err = s.Find(tok.Text(), tok.Expires)
	require.ErrorIs(t, err, ErrExpired)
	require.NoError(t, s.Create(made(t), tok.Expires.Add(keepExpired)))
	_, err = s.Find(tok.Text(), tok.Expires)
	require.ErrorIs(t, err, ErrUnknown)
	list, err := os.ReadDir(s.Dir)
	require.NoError(t, err)
	assert.Len(t, list, 1)
}

func TestTheFolderHoldsNoSecret(t *testing.T) {
	s, tok := store(t, vfs.OS)
	text, err := os.ReadFile(filepath.Join(s.Dir, tok.ID+".json"))
	require.NoError(t, err)
	assert.NotContains(t, string(text), base64.StdEncoding.EncodeToString(tok.Secret))
	assert.NotContains(t, string(text), base64.RawURLEncoding.EncodeToString(tok.Secret))
	st, err := os.Stat(s.Dir)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o700), st.Mode().Perm())
}

// Two gateways share the folder and nothing else.
func TestOfTwoWhoRaceOneWins(t *testing.T) {
	for range 100 {
		s, tok := store(t, vfs.OS)
		var won, lost atomic.Int32
		var wg sync.WaitGroup
		for i := range 8 {
			gateway := Store{FS: vfs.OS, Dir: s.Dir}
			wg.Go(func() {
				switch err := gateway.Use(tok, Use{Install: "same", Key: []byte{byte(i)}}); {
				case err == nil:
					won.Add(1)
				case errors.Is(err, ErrUsed):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, won.Load())
		require.EqualValues(t, 7, lost.Load())
	}
}

func TestWhoLostTheAnswerMayComeAgainWithTheSameKey(t *testing.T) {
	s, tok := store(t, vfs.OS)
	first := Use{Install: "a", Key: []byte("key"), Time: now}
	require.NoError(t, s.Use(tok, first))
	first.Time = now.Add(time.Minute)
	require.NoError(t, s.Use(tok, first))
	require.ErrorIs(t, s.Use(tok, Use{Install: "a", Key: []byte("other")}), ErrUsed)
	require.ErrorIs(t, s.Use(tok, Use{Install: "b", Key: []byte("key")}), ErrUsed)
	require.ErrorIs(t, s.Use(tok, Use{Install: "a"}), ErrUsed)
}

// Whatever fails, and wherever the power goes: a token that let somebody in
// never lets in another.
func TestNoFaultMakesATokenGoodTwice(t *testing.T) {
	for fault := range 40 {
		m := vfs.NewMem()
		s := Store{FS: m, Dir: "/state/tokens"}
		require.NoError(t, m.MkdirAll("/state", 0o700))
		require.NoError(t, m.SyncDir("/"))
		tok := made(t)
		require.NoError(t, s.Create(tok, now))
		n := 0
		m.Inject = func(vfs.Op) error {
			if n++; n == fault+1 {
				return errors.New("injected")
			}
			return nil
		}
		err := s.Use(tok, Use{Install: "a", Key: []byte("a")})
		m.Inject = nil
		if err != nil {
			continue // nobody was let in
		}
		after := Store{FS: m.Crash(), Dir: s.Dir}
		_, err = after.Find(tok.Text(), now)
		require.NoError(t, err)
		require.ErrorIs(t, after.Use(tok, Use{Install: "b", Key: []byte("b")}), ErrUsed)
		require.NoError(t, after.Use(tok, Use{Install: "a", Key: []byte("a")}))
	}
}

func FuzzParse(f *testing.F) {
	tok, _ := NewRandom("acme", "https://fleet.example", nil, now)
	f.Add(tok.Text())
	f.Add("weir1.e30")
	f.Fuzz(func(t *testing.T, line string) {
		tok, err := Parse(line)
		if err != nil {
			return
		}
		again, err := Parse(tok.Text())
		if err != nil || again.Text() != tok.Text() {
			t.Fatalf("what was read does not read back: %v", err)
		}
	})
}
