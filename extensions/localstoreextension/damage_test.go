package localstoreextension

import (
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/weir-telemetry/weir/extensions/localstoreextension/internal/metadatatest"
)

// damage changes the only file with an extension.
func damage(t *testing.T, dir, ext string, change func([]byte) []byte) {
	t.Helper()
	var files []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ext {
			files = append(files, path)
		}
		return err
	}))
	require.Len(t, files, 1)
	b, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(files[0], change(b), 0o600))
}

// flip changes one bit, of the byte so many before the end if at is negative.
func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte {
		if at < 0 {
			at += len(b)
		}
		b[at] ^= 4
		return b
	}
}

func cutShort(b []byte) []byte { return b[:len(b)-1] }

// crashed copies a folder as a power cut now would leave it.
func crashed(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.CopyFS(to, os.DirFS(dir)))
	return to
}

// What is damaged is in a metric by its kind, and what a start finds is in one
// warning, too, which quotes nothing that is stored.
func TestDamageIsCountedAndWarnedOf(t *testing.T) {
	const lines = 3
	for _, c := range []struct {
		kind, ext string
		change    func([]byte) []byte
		flushed   bool
		atStart   bool
		left      int // lines that are answered
	}{
		{"frame_lost", ".wal", flip(60), false, true, lines - 1},
		{"write_cut_short", ".wal", cutShort, false, true, lines - 1},
		{"index_rebuilt", ".blk", flip(-1), true, true, lines},
		{"block_lost", ".blk", flip(60), true, false, 0},
	} {
		t.Run(c.kind, func(t *testing.T) {
			cfg := testConfig(t)
			l := started(t, nop(), cfg)
			for i := range lines {
				require.NoError(t, l.ConsumeLogs(t.Context(), someLogs(time.Now(), fmt.Sprint(canary, i))))
			}
			if c.flushed {
				require.NoError(t, l.stores.logs.Flush(t.Context()))
			}
			damaged := *cfg
			damaged.Data = crashed(t, cfg.Data)
			damage(t, filepath.Join(damaged.Data, "logs"), c.ext, c.change)

			tel := componenttest.NewTelemetry()
			t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
			core, logged := observer.New(zap.WarnLevel)
			set := metadatatest.NewSettings(tel)
			set.Logger = zap.New(core)
			l = started(t, set, &damaged)
			if c.atStart {
				warnings := logged.FilterMessageSnippet("damaged").All()
				require.Len(t, warnings, 1)
				warning := warnings[0]
				require.Contains(t, warning.Message, "weir logs verify")
				require.Equal(t, map[string]any{c.kind: int64(1), "folder": filepath.Join(damaged.Data, "logs")}, warning.ContextMap())
			}
			require.Len(t, storedLines(t, l.url()), c.left)
			want := map[string]int64{"frame_lost": 0, "write_cut_short": 0, "block_lost": 0, "index_rebuilt": 0, "flush_failed": 0, "merge_failed": 0}
			want[c.kind] = 1
			l.gauge.last = figures{} // which is of before the query
			require.Equal(t, want, sum(t, tel, "weir_local_store_faults", "kind"))
			for _, e := range logged.All() {
				require.NotContains(t, fmt.Sprint(e.Message, e.ContextMap()), canary)
			}
		})
	}
}

func TestAnUndamagedStoreWarnsOfNothing(t *testing.T) {
	cfg := testConfig(t)
	l := started(t, nop(), cfg)
	require.NoError(t, l.ConsumeLogs(t.Context(), someLogs(time.Now(), "x")))
	after := *cfg
	after.Data = crashed(t, cfg.Data)
	core, logged := observer.New(zap.WarnLevel)
	set := nop()
	set.Logger = zap.New(core)
	started(t, set, &after)
	require.Zero(t, logged.FilterMessageSnippet("damaged").Len())
}

// storedLines are the lines that a query for all of the shop's finds.
func storedLines(t *testing.T, base string) (lines []string) {
	t.Helper()
	var streams struct {
		Result []struct{ Values [][2]string }
	}
	ask(t, base, "/loki/api/v1/query_range", url.Values{"query": {`{service_name="shop"}`}}, &streams)
	for _, s := range streams.Result {
		for _, v := range s.Values {
			lines = append(lines, v[1])
		}
	}
	return lines
}
