package main

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// How long a verb is silent before it says how far it is, and between.
var progressAfter, progressEvery = 2 * time.Second, 2 * time.Second

// watched is the files as they are, with a line on the error stream now and
// then of how much of a folder has been read.
type watched struct {
	vfs.FS
	env   env
	verb  string
	total int64 // bytes in the folder when it began

	read  atomic.Int64
	began time.Time
	next  time.Time
}

// watch returns the file system for a verb that reads all of a folder.
func (e env) watch(verb, dir string) vfs.FS {
	w := &watched{FS: vfs.OS, env: e, verb: verb, began: time.Now()}
	w.next = w.began.Add(progressAfter)
	list, err := vfs.OS.ReadDir(dir)
	if err != nil {
		return vfs.OS // who reads it will say so
	}
	for _, x := range list {
		if info, err := vfs.OS.Stat(filepath.Join(dir, x.Name())); err == nil {
			w.total += info.Size()
		}
	}
	return w
}

func (w *watched) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	f, err := w.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &watchedFile{f, w}, nil
}

type watchedFile struct {
	vfs.File
	w *watched
}

func (f *watchedFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	read := f.w.read.Add(int64(n))
	if now := time.Now(); now.After(f.w.next) {
		f.w.next = now.Add(progressEvery)
		fmt.Fprintf(f.w.env.err, "weir: %s: %d %% read\n", f.w.verb, min(100, 100*read/max(1, f.w.total)))
	}
	return n, err
}
