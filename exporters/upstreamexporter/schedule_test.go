package upstreamexporter

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testSchedule(install string) schedule {
	return newSchedule(createDefaultConfig().(*Config), install)
}

// TestAFleetIsSpreadEvenlyOverTheInterval: 10,000 random installs, counted by
// the second of a minute in which they send.
func TestAFleetIsSpreadEvenlyOverTheInterval(t *testing.T) {
	const installs, seconds = 10_000, 60
	r := rand.New(rand.NewPCG(1, 2)) // a spread that holds for these is no luck of the run
	var count [seconds]int
	for range installs {
		var id uuid.UUID
		for i := range id {
			id[i] = byte(r.Uint32())
		}
		count[testSchedule(id.String()).offset(time.Minute)/time.Second]++
	}
	mean, chi := float64(installs)/seconds, 0.0
	for _, n := range count {
		chi += (float64(n) - mean) * (float64(n) - mean) / mean
		assert.Less(t, float64(n), 1.35*mean)
	}
	assert.Less(t, chi, 98.3, "chi squared, 59 degrees of freedom, 1 in 1000")
}

func TestAnInstallKeepsItsPlace(t *testing.T) {
	s := testSchedule(installID)
	assert.Equal(t, s, testSchedule(installID))
	minute := s.offset(time.Minute)
	assert.InDelta(t, float64(minute), float64(s.offset(time.Hour))/60, 60)
	for _, interval := range []time.Duration{time.Second, time.Minute, 24 * time.Hour} {
		for i := range 1000 {
			o := testSchedule(fmt.Sprint(i)).offset(interval)
			require.GreaterOrEqual(t, o, time.Duration(0))
			require.Less(t, o, interval)
		}
	}
}

func TestAReportIsDueAtItsPlaceAndNoLater(t *testing.T) {
	s := schedule{share: 1 << 62} // a quarter
	grid := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return grid.Add(time.Duration(seconds) * time.Second) }
	for _, c := range []struct {
		what          string
		recorded, now time.Time
		want          time.Duration
	}{
		{"made on the grid", at(0), at(0), 15 * time.Second},
		{"a little later", at(1), at(2), 13 * time.Second},
		{"its place has passed", at(20), at(20), 0},
		{"of the interval before", at(-1), at(0), 0},
		{"of an outage long ago", at(0).AddDate(0, 0, -30), at(0), 0},
		{"the clock went back a year", at(0), at(0).AddDate(-1, 0, 0), 0},
		{"the clock went on a year", at(0), at(0).AddDate(1, 0, 0), 0},
		{"before the epoch", time.Unix(-1, 0), at(0), 0},
	} {
		assert.Equal(t, c.want, s.due(c.recorded, c.now, time.Minute), c.what)
	}
	assert.Zero(t, s.due(at(0), at(0), 0))
}

func TestBackoffGrowsWithFullJitterUpToItsBound(t *testing.T) {
	s := testSchedule(installID)
	for failures, bound := range map[int]time.Duration{
		0: time.Second, 1: 2 * time.Second, 8: 256 * time.Second, 9: 5 * time.Minute, 61: 5 * time.Minute, 1000: 5 * time.Minute,
	} {
		least, most := bound, time.Duration(0)
		for range 2000 {
			d := s.backoff(failures, 0)
			require.Positive(t, d)
			require.LessOrEqual(t, d, bound)
			least, most = min(least, d), max(most, d)
		}
		assert.Less(t, least, bound/20, "%d", failures)
		assert.Greater(t, most, bound-bound/20, "%d", failures)
	}
	for range 1000 {
		d := s.backoff(3, time.Minute)
		require.True(t, d > time.Minute && d <= time.Minute+8*time.Second, "what everybody is asked for is spread")
		require.LessOrEqual(t, s.backoff(0, time.Hour), 5*time.Minute+time.Second, "and bounded")
		require.Positive(t, s.backoff(0, -time.Hour))
	}
}

func TestCatchingUpStaysUnderTheCapAndAheadOfWhatComes(t *testing.T) {
	s := testSchedule(installID)
	s.backlog.BytesPerSecond = 4 << 10
	assert.Equal(t, 1500*time.Millisecond, s.pace(5<<10, time.Minute), "6 KiB at 4 KiB/s")
	assert.Equal(t, 5*time.Second, s.pace(1<<20, 10*time.Second), "a cap below what comes gives way")
	assert.Positive(t, s.pace(0, 0))
}
