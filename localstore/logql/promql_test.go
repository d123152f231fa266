package logql

import (
	"testing"

	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/stretchr/testify/require"
)

// The PromQL engine reads columns by an iterator whose clock is the step.
func TestColumnIteratorSkipsWhatIsAbsent(t *testing.T) {
	c := column{values: []float64{absent, 1, absent, 3, 4}}
	it := c.Iterator(nil)
	var times []int64
	for it.Next() != chunkenc.ValNone {
		times = append(times, it.AtT())
	}
	require.Equal(t, []int64{2, 4, 5}, times)

	for seek, want := range map[int64]int64{-1: 2, 1: 2, 2: 2, 3: 4, 4: 4, 5: 5} {
		it := c.Iterator(nil)
		require.Equal(t, chunkenc.ValFloat, it.Seek(seek), seek)
		require.Equal(t, want, it.AtT(), seek)
		require.Equal(t, chunkenc.ValFloat, it.Seek(seek), "seeking to where it stands stays there")
		require.Equal(t, want, it.AtT(), seek)
	}
	it = c.Iterator(nil)
	it.Seek(5)
	it.Seek(1)
	require.Equal(t, int64(5), it.AtT(), "an iterator does not go back")
	require.Equal(t, chunkenc.ValNone, c.Iterator(nil).Seek(6))
}
