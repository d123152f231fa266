package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

// BenchmarkSend is a report all the way on the disk of TMPDIR: recorded, covered
// by a checkpoint, given to the sender, its outcome recorded. It packs as it goes.
func BenchmarkSend(b *testing.B) {
	l, err := ledger.Open(vfs.OS, filepath.Join(b.TempDir(), "ledger"), ledger.Options{Install: install})
	require.NoError(b, err)
	defer l.Close()
	body := make([]byte, reportBytes)
	r := rand.NewChaCha8([32]byte{1})
	b.SetBytes(reportBytes)
	for b.Loop() {
		_, _ = r.Read(body[:500])
		_, err := l.Append(ledger.Record{Kind: ledger.KindReport, Sequence: l.NextSequence(), Body: body})
		require.NoError(b, err)
		rec, _, err := l.Oldest(func(ledger.Entry) bool { return true })
		require.NoError(b, err)
		_, err = l.Append(ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx"}.Record(&rec))
		require.NoError(b, err)
	}
}

// BenchmarkBacklog is the same with a thousand reports waiting at a time.
func BenchmarkBacklog(b *testing.B) {
	l, err := ledger.Open(vfs.OS, filepath.Join(b.TempDir(), "ledger"), ledger.Options{Install: install})
	require.NoError(b, err)
	defer l.Close()
	body := make([]byte, reportBytes)
	r := rand.NewChaCha8([32]byte{1})
	b.SetBytes(reportBytes * 1000)
	for b.Loop() {
		for range 1000 {
			_, _ = r.Read(body[:500])
			_, err := l.Append(ledger.Record{Kind: ledger.KindReport, Sequence: l.NextSequence(), Body: body})
			require.NoError(b, err)
		}
		for range 1000 {
			rec, _, err := l.Oldest(func(ledger.Entry) bool { return true })
			require.NoError(b, err)
			_, err = l.Append(ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx"}.Record(&rec))
			require.NoError(b, err)
		}
	}
}

// BenchmarkOpen opens ledgers of so many days of 5 kB reports, which need no
// longer the longer they are.
func BenchmarkOpen(b *testing.B) {
	for _, days := range []int{1, 10, 30} {
		b.Run(fmt.Sprintf("%ddays", days), func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "ledger")
			now := start
			o := ledger.Options{Install: install, Now: func() time.Time { return now }}
			l, err := ledger.Open(fastSync{vfs.OS}, dir, o)
			require.NoError(b, err)
			body := make([]byte, reportBytes)
			r := rand.NewChaCha8([32]byte{1})
			for range days * reportsADay {
				now = now.Add(time.Minute)
				_, _ = r.Read(body[:500])
				rec, err := l.Append(ledger.Record{Kind: ledger.KindReport, Sequence: l.NextSequence(), Body: body})
				require.NoError(b, err)
				_, err = l.Append(ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx"}.Record(&rec))
				require.NoError(b, err)
			}
			require.NoError(b, l.Close())
			for b.Loop() {
				l, err := ledger.Open(vfs.OS, dir, o)
				require.NoError(b, err)
				require.NoError(b, l.Close())
			}
			b.StopTimer()
			began := time.Now()
			v, err := ledger.Verify(vfs.OS, dir, nil)
			require.NoError(b, err)
			b.ReportMetric(time.Since(began).Seconds(), "verify-s")
			b.ReportMetric(float64(v.Records), "records")
			list, err := os.ReadDir(dir)
			require.NoError(b, err)
			b.ReportMetric(float64(len(list)), "files")
		})
	}
}
