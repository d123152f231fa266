package logstore

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// A store may be looked at while it is written to, flushed and merged: what is
// half done at that moment is no fault, and what has gone meanwhile no error.
func TestAStoreThatIsWrittenToIsVerifiedWithoutAFault(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	s, err := Open(vfs.OS, dir, writerOptions())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer func() {
		stop()
		wg.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for w := range 2 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if _, err := s.Append(context.Background(), batchOfID(fmt.Sprintf("%d-%d", w, n))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	blocks, frames := 0, 0
	for looks, start := 0, time.Now(); looks < 50 || blocks == 0 || frames == 0; looks++ {
		if time.Since(start) > 20*time.Second {
			t.Fatalf("%d blocks and %d frames were seen: the test shows nothing", blocks, frames)
		}
		rep, err := Verify(context.Background(), vfs.OS, dir, nil)
		if err != nil || len(rep.Faults) > 0 {
			t.Fatalf("look %d: %+v, %v", looks, rep, err)
		}
		blocks, frames = blocks+rep.Blocks, frames+rep.Frames
		if _, err := Inspect(context.Background(), vfs.OS, dir); err != nil {
			t.Fatalf("look %d: %v", looks, err)
		}
	}
}

// vanishing is a folder out of which a file goes between being listed and being
// looked at.
type vanishing struct {
	vfs.FS
	ext  string
	gone int
}

func (v *vanishing) Stat(name string) (fs.FileInfo, error) {
	if filepath.Ext(name) == v.ext {
		v.gone++
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return v.FS.Stat(name)
}

func TestAFileThatGoesWhileItIsLookedAtIsNoFault(t *testing.T) {
	m, _, _ := walOf(t, 3)
	s := open(t, m, testOptions(newClock()))
	flush(t, s)
	mustAppend(t, s, batchOf(4))
	defer s.shutdown()
	for _, ext := range []string{".wal", ".blk"} {
		v := &vanishing{FS: m, ext: ext}
		rep, err := Verify(context.Background(), v, "/data/logs", nil)
		if err != nil || len(rep.Faults) > 0 || v.gone == 0 {
			t.Errorf("%s: %+v, %v; %d files went", ext, rep, err, v.gone)
		}
		if _, err := Inspect(context.Background(), v, "/data/logs"); err != nil {
			t.Errorf("%s: %v", ext, err)
		}
	}
}
