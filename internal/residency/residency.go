// Package residency gives memory back to the host that only the start needed.
//
// A collector starts by running the set-up code of several hundred packages,
// most of which serve components that this configuration does not use. The
// garbage of that stays in the heap until the collector of garbage finds
// reason to run, and the pages of the program's file that were read for it
// stay mapped until the host is short of memory. On a small machine, and in
// the figure that its operator looks at, both count as this process's.
package residency

import "runtime/debug"

// GiveBack returns the start's garbage and unmaps the read-only pages of the
// program's own file. Those that are needed again are mapped again, from the
// host's cache, at the price of a minor fault each: call it once, when
// everything has started.
func GiveBack() error {
	debug.FreeOSMemory()
	return unmapProgram()
}
