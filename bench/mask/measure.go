//go:build linux

package main

import (
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// cpu is the processor time, in nanoseconds, that the process takes for f. The
// garbage collector waits meanwhile, which favours whoever allocates.
func cpu(f func()) float64 {
	runtime.GC()
	old := debug.SetGCPercent(-1)
	defer debug.SetGCPercent(old)
	before := now()
	f()
	return float64(now() - before)
}

func now() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		panic(err)
	}
	return ts.Nano()
}

// perByte is the processor time for a byte when f sees all lines some times.
func perByte(lines [][]byte, times int, f func([]byte)) float64 {
	bytes := 0
	for _, l := range lines {
		f(l) // warm
		bytes += len(l)
	}
	return cpu(func() {
		for range times {
			for _, l := range lines {
				f(l)
			}
		}
	}) / float64(bytes*times)
}
