package vitalsconnector

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// keepEvery is how much a crash can cost: a version that came within the last
// minute is new again after it.
const keepEvery = time.Minute

// memory is where names outlive a restart. Only the goroutine that emits uses
// it, after start.
type memory struct {
	files   vfs.FS
	kept    []byte // as they were kept last
	keptAt  time.Time
	failing bool
}

func (e *emitter) memoryFile() string { return filepath.Join(e.cfg.Data, "vitals", "services.json") }

// restore takes up what was kept. A file that cannot be read is said once and
// not needed: the next one replaces it.
func (e *emitter) restore() {
	if e.cfg.Data == "" {
		return
	}
	info, err := e.memory.files.Stat(e.memoryFile())
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil && info.Size() > int64(e.vitals.MaxStateBytes()) {
		err = errors.New("the file is larger than what is written there")
	}
	var data []byte
	if err == nil {
		data, err = vfs.ReadFile(e.memory.files, e.memoryFile())
	}
	if err == nil {
		err = e.vitals.Restore(data, e.now())
	}
	if err != nil {
		e.telemetry.VitalsStateFailures.Add(context.Background(), 1)
		e.log.Warn("vitals begin anew: the services and versions known before cannot be read; the file is replaced within a minute",
			zap.String("file", e.memoryFile()), zap.Error(err))
	}
}

// keep writes what changed, if the last time is long enough ago.
func (e *emitter) keep(ctx context.Context, after time.Duration) {
	m := &e.memory
	now := e.now()
	// A clock that stepped back is no reason to wait for it.
	if since := now.Sub(m.keptAt); e.cfg.Data == "" || since >= 0 && since < after {
		return
	}
	m.keptAt = now
	data, err := e.vitals.State()
	if err == nil && bytes.Equal(data, m.kept) {
		return
	}
	if err == nil {
		err = m.files.MkdirAll(filepath.Dir(e.memoryFile()), 0o700)
	}
	if err == nil {
		err = vfs.WriteFileAtomic(m.files, e.memoryFile(), data, 0o600)
	}
	if err == nil {
		m.kept = data
	} else {
		e.telemetry.VitalsStateFailures.Add(context.WithoutCancel(ctx), 1)
	}
	if err != nil && !m.failing {
		e.log.Warn("vitals cannot keep the services and versions that they know; a restart will take those for new ones",
			zap.String("file", e.memoryFile()), zap.Error(err))
	}
	m.failing = err != nil
}
