package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

// logsFixture makes a store that is the same each time but for salts. It stays
// open while the test lasts; the copy is taken while it is open, so that the log
// has something.
func logsFixture(t *testing.T) (running, data string) {
	t.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	from, data := t.TempDir(), t.TempDir()
	s, err := logstore.Open(vfs.OS, filepath.Join(from, "logs"), logstore.Options{Now: func() time.Time { return now }, MaintainEvery: -1})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	add := func(app string, at time.Time, n int) {
		st := logstore.Stream{Labels: labels.FromStrings("service_name", app)}
		for i := range n {
			st.Entries = append(st.Entries, logstore.Entry{Timestamp: at.Add(time.Duration(i) * time.Second).UnixNano(),
				Line: fmt.Sprintf("level=info msg=\"the line number %d of a secret\"", i), Metadata: labels.FromStrings("n", fmt.Sprint(i%3))})
		}
		_, err := s.Append(t.Context(), []logstore.Stream{st})
		require.NoError(t, err)
	}
	add("api", now.Add(-24*time.Hour), 200)
	add("worker", now.Add(-24*time.Hour), 100)
	add("api", now.Add(-time.Hour), 400)
	require.NoError(t, s.Flush(context.Background()))
	add("api", now, 1)
	require.NoError(t, os.CopyFS(data, os.DirFS(from)))
	return from, data
}

func onlyFile(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}

// TestLogsCommands compares with testdata/logs.txtar, whose prologue says how to
// read it. WEIR_UPDATE_GOLDEN=1 writes it anew.
func TestLogsCommands(t *testing.T) {
	const file = "testdata/logs.txtar"
	golden, err := txtar.ParseFile(file)
	require.NoError(t, err)
	update := os.Getenv("WEIR_UPDATE_GOLDEN") != ""
	salt := regexp.MustCompile(`-[0-9a-f]{16}\.`)
	for i, f := range golden.Files {
		t.Run(f.Name, func(t *testing.T) {
			data, words := "", strings.Fields(f.Name)
			state := words[0]
			if state == "(empty)" {
				data = t.TempDir()
			} else {
				var running string
				if running, data = logsFixture(t); state == "(running)" {
					data = running
				}
			}
			switch state {
			case "(damaged)":
				name := onlyFile(t, filepath.Join(data, "logs", "2026-02-28", "*.blk"))
				b, err := os.ReadFile(name)
				require.NoError(t, err)
				b[300] ^= 1
				require.NoError(t, os.WriteFile(name, b, 0o600))
			case "(cut)":
				name := onlyFile(t, filepath.Join(data, "logs", "wal", "*.wal"))
				b, err := os.ReadFile(name)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(name, b[:len(b)-3], 0o600))
			case "(flipped)":
				name := onlyFile(t, filepath.Join(data, "logs", "wal", "*.wal"))
				b, err := os.ReadFile(name)
				require.NoError(t, err)
				b[len(b)-3] ^= 1
				require.NoError(t, os.WriteFile(name, b, 0o600))
			}
			if strings.HasPrefix(state, "(") {
				words = words[1:]
			}
			before := listing(t, data)
			out, code := weir(data, words[1:]...)
			assert.Equal(t, before, listing(t, data), "the command wrote something")
			assert.NotContains(t, out, "secret")
			got := salt.ReplaceAllString(out, "-<salt>.") + fmt.Sprintf("exit %d\n", code)
			if update {
				golden.Files[i].Data = []byte(got)
				return
			}
			assert.Equal(t, string(f.Data), got)
		})
	}
	if update {
		require.NoError(t, os.WriteFile(file, txtar.Format(golden), 0o644))
	}
}

// listing names every file with its size.
func listing(t *testing.T, dir string) (out []string) {
	t.Helper()
	require.NoError(t, filepath.Walk(dir, func(p string, info os.FileInfo, err error) error {
		out = append(out, fmt.Sprint(p, " ", info.Size(), " ", info.ModTime()))
		return err
	}))
	return out
}
