package preflight

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/localstore/logstore"
	"github.com/weir-telemetry/weir/vitals/probe"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// week is the retention below which last week's incident is gone when somebody
// looks into it.
const week = 7 * 24 * time.Hour

func (s *Site) retention(context.Context) {
	k := s.Settings.Logs
	if !s.Settings.Stores {
		return
	}
	f := Finding{Check: "retention", About: "how long logs are kept", State: Fine, Evidence: k.Value, Area: responsibilities.Monitoring}
	if k.For < week {
		f.State, f.Evidence = Warning, k.Value+" is less than seven days: an incident of last week may be gone when it is looked into"
		f.Fix = fmt.Sprintf("set %s to 7d or more", k.change())
	}
	s.add(f)
}

// least is what has to be free before anything is known of what a day brings:
// about what a busy day of one machine's logs and metrics takes.
const least = 1 << 30

// room looks at the disk that holds the data folder: what share of it is left,
// and whether that will do for the retention, by what the days so far have taken.
func (s *Site) room(ctx context.Context) {
	if s.Settings.Data.Value == "" {
		return
	}
	dir := s.existing()
	infrastructure := responsibilities.Infrastructure
	s.probed(ctx, probe.Spec{Kind: probe.Disk, Target: dir}, Finding{Check: "disk", About: "the share of it that is free", Area: infrastructure,
		Fix: "make room, or put the data folder elsewhere with " + s.Settings.Data.change()})
	s.probed(ctx, probe.Spec{Kind: probe.Inode, Target: dir}, Finding{Check: "inodes", About: "how many more files the disk can hold", Area: infrastructure,
		Fix: fmt.Sprintf("remove small files; 'df -i %s' shows how many there are", dir)})
	if !s.Settings.Stores {
		return
	}
	f := Finding{Check: "room", About: "for what is to be kept", Area: infrastructure}
	_, free, err := s.onDisk(dir)
	if err != nil {
		f.State, f.Evidence = Unknown, reason(err)
		s.add(f)
		return
	}
	logs, err := logsADay(ctx, filepath.Join(s.Settings.Data.Value, "logs"), s.System.Now())
	metrics, merr := metricsADay(filepath.Join(s.Settings.Data.Value, "metrics"))
	switch days := s.Settings.Logs.For.Hours() / 24; {
	case err != nil || merr != nil:
		f.State, f.Evidence = Unknown, "the stores cannot be read: "+reason(errors.Join(err, merr))
	case logs.days == 0 && free < least:
		f.State, f.Evidence = Warning, fmt.Sprintf("%s are free; what a day takes is not known yet, and less than %s is little", size(free), size(least))
		f.Fix = "make room, or bound the stores with extensions::local_store::logs::max_bytes and metrics::max_bytes"
	case logs.days == 0:
		f.State, f.Evidence = Fine, fmt.Sprintf("%s are free; what a day takes is not known yet: look again after the first full one", size(free))
	default:
		more := logs.more(s.Settings.Logs) + metrics.more(s.Settings.Metrics)
		f.State = Fine
		f.Evidence = fmt.Sprintf("%s are free; %.0f days take about %s more, at %s of logs and %s of metrics a day",
			size(free), days, size(more), size(logs.aDay()), size(metrics.aDay()))
		if more > free {
			held := math.Floor(float64(logs.stored+free) / float64(max(1, logs.aDay()+metrics.aDay())))
			f.State = Warning
			f.Evidence += fmt.Sprintf(". That is room for about %.0f days: after that the oldest go first, or ingest stops", held)
			f.Fix = fmt.Sprintf("add %s to the disk, or keep less with %s or extensions::local_store::logs::max_bytes", size(more-free), s.Settings.Logs.change())
		}
	}
	s.add(f)
}

// taken is what whole days have taken on the disk.
type taken struct {
	stored int64 // now, all of it
	bytes  int64 // of the whole days
	days   float64
}

func (t taken) aDay() int64 {
	if t.days == 0 {
		return 0
	}
	return int64(float64(t.bytes) / t.days)
}

// more is what is still to come until the store is as full as it will be.
func (t taken) more(k Kept) int64 {
	full := int64(float64(t.aDay()) * k.For.Hours() / 24)
	if k.MaxBytes > 0 {
		full = min(full, k.MaxBytes)
	}
	return max(0, full-t.stored)
}

// logsADay leaves today out, which is not over.
func logsADay(ctx context.Context, dir string, now time.Time) (t taken, err error) {
	in, err := logstore.Inspect(ctx, vfs.OS, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return t, err
	}
	t.stored = in.Total.DiskBytes
	for _, d := range in.Days {
		if d.Day < now.UTC().Format(time.DateOnly) {
			t.bytes += d.DiskBytes
			t.days++
		}
	}
	return t, nil
}

// metricsADay reads what the blocks say of themselves.
func metricsADay(dir string) (t taken, err error) {
	metas, err := filepath.Glob(filepath.Join(dir, "*", "meta.json"))
	if err != nil {
		return t, err
	}
	from, to := int64(math.MaxInt64), int64(math.MinInt64)
	for _, name := range metas {
		var m struct{ MinTime, MaxTime int64 }
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // merged meanwhile
		}
		if err == nil {
			err = json.Unmarshal(text, &m)
		}
		if err != nil {
			return t, err
		}
		from, to = min(from, m.MinTime), max(to, m.MaxTime)
		t.bytes += under(filepath.Dir(name))
	}
	t.stored = under(dir)
	if len(metas) > 0 {
		t.days = max(time.Duration(to-from)*time.Millisecond, 2*time.Hour).Hours() / 24
	}
	return t, nil
}

// under adds up the files under a folder.
func under(dir string) (bytes int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				bytes += info.Size()
			}
		}
		return nil
	})
	return bytes
}

// size writes a number of bytes for people.
func size(n int64) string {
	switch {
	case n >= 1e12:
		return fmt.Sprintf("%.1f TB", float64(n)/1e12)
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.0f kB", math.Ceil(float64(n)/1e3))
}
