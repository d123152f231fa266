package probe

import (
	"context"
	"net"
	"time"
)

// System is the machine and its network as probes see them.
type System struct {
	Now      func() time.Time
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	ReadFile func(name string) ([]byte, error)
	// FileSystem describes the one that holds a folder.
	FileSystem func(folder string) (FileSystem, error)
	// ClockState is OK, Unsynchronized or Unmeasurable.
	ClockState func() Reason
}
