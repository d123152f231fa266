package upstreamexporter

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"time"
)

// schedule says when a report is sent. Reports are made on the interval's
// grid, at the same moment in every install; they are sent at an offset from
// it that belongs to the install, so that a fleet arrives evenly and the
// moment of sending says nothing about how busy the edge was.
//
//	grid      |<--- interval --->|<--- interval --->|
//	made      R1                 R2                 R3
//	sent      ......R1...........       R2..........       R3
//	          |offset|           |offset|
type schedule struct {
	share uint64 // the install's place in the interval, in 2⁻⁶⁴ of it

	retry   RetryConfig
	backlog BacklogConfig
}

// newSchedule takes the place from the install id, which is random: a fleet of
// any size is spread evenly, and an install keeps its place over restarts,
// upgrades and changes of the interval.
func newSchedule(cfg *Config, install string) schedule {
	sum := sha256.Sum256([]byte("weir upstream offset\n" + install))
	return schedule{share: binary.BigEndian.Uint64(sum[:]), retry: cfg.Retry, backlog: cfg.Backlog}
}

// offset is the install's place in an interval.
func (s schedule) offset(interval time.Duration) time.Duration {
	hi, _ := bits.Mul64(s.share, uint64(interval))
	return time.Duration(hi)
}

// due is how long a report that was recorded at a time still has to wait. It
// is never more than what is left of the interval it was made in: whatever
// the clock does, a report of another interval has waited enough.
func (s schedule) due(recorded, now time.Time, interval time.Duration) time.Duration {
	if interval <= 0 {
		return 0
	}
	n := uint64(recorded.UnixNano())
	begin := recorded.Add(-time.Duration(n % uint64(interval)))
	if now.Before(begin) || now.Sub(begin) >= interval {
		return 0
	}
	return max(0, begin.Add(s.offset(interval)).Sub(now))
}

// backoff is how long to wait after so many failures in a row: exponential,
// with full jitter, so that a fleet that lost its destination together does
// not come back together. What the server asks for comes on top, since it may
// ask everybody for the same.
func (s schedule) backoff(failures int, asked time.Duration) time.Duration {
	limit := s.retry.Max
	if failures < 62 && s.retry.Initial < limit>>failures {
		limit = s.retry.Initial << failures
	}
	return rand.N(limit) + 1 + min(max(asked, 0), s.retry.Max)
}

// requestOverhead is what a request costs on the wire beside its body, about:
// its head, the answer, the frames.
const requestOverhead = 1 << 10

// pace is how long to wait after a report of so many bytes was taken while
// others wait: catching up stays under the cap. A cap that is lower than what
// the policy lets come in anew would never catch up, so it gives way to twice
// that.
func (s schedule) pace(size int, interval time.Duration) time.Duration {
	cost := float64(size + requestOverhead)
	rate := float64(s.backlog.BytesPerSecond)
	if interval > 0 {
		rate = max(rate, 2*cost/interval.Seconds())
	}
	return time.Duration(cost / rate * float64(time.Second))
}
