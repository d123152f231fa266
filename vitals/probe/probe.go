// Package probe looks at what a product stands on, from where it stands: names,
// connections, certificates, HTTP answers, the proxy, disks, memory, the clock.
// One [Probe] of each kind is small and cheap; [Runner] runs a list of them.
//
// It promises that a [Finding] says why in one word out of a closed set
// ([Reason]) and holds nothing that the other side answered: no text, no name, no
// header. What it names is what the configuration names. Each probe ends within
// its timeout, reads no more than it must, follows no redirect, sends no data,
// and uses no proxy that it was not told to use.
//
// It decides nothing: package fault does. It reads the machine through [System],
// so that a test can stand in for it.
package probe

import (
	"context"
	"time"
)

// Kind is what a probe looks at.
type Kind string

// The kinds.
const (
	DNS    Kind = "dns"    // a name resolves
	TCP    Kind = "tcp"    // something takes connections
	TLS    Kind = "tls"    // it has a certificate that is valid, and will be
	HTTP   Kind = "http"   // it answers with a status that is wanted
	Proxy  Kind = "proxy"  // a proxy connects
	Disk   Kind = "disk"   // a file system has room and can be written to
	Inode  Kind = "inode"  // a file system can take more files
	Memory Kind = "memory" // memory is left, and nobody waits for it
	Clock  Kind = "clock"  // the clock is right
)

// Kinds are all kinds.
var Kinds = []Kind{DNS, TCP, TLS, HTTP, Proxy, Disk, Inode, Memory, Clock}

// Local says that the probe looks at this machine alone and sends nothing.
func (s Spec) Local() bool {
	switch s.Kind {
	case Disk, Inode, Memory:
		return true
	case Clock:
		return s.Target == ""
	}
	return false
}

// Finding is what a probe found. Its JSON is for machines: keys are added, never
// renamed.
type Finding struct {
	Name    string    `json:"name"`
	Kind    Kind      `json:"kind"`
	Target  string    `json:"target,omitempty"` // as it was configured
	Outcome Outcome   `json:"outcome"`
	Reason  Reason    `json:"reason"`
	At      time.Time `json:"at"`
	// Took is how long it took, in seconds.
	Took float64 `json:"seconds"`
	// Value is what was measured, if something was: of tls and http the seconds
	// until a certificate expires, of clock the seconds that it is ahead, of disk,
	// inode and memory the share that is available.
	Value *float64 `json:"value,omitempty"`
}

// Probe looks at one thing, each time it is run.
type Probe struct {
	Spec
	system System
	look   func(context.Context) (Reason, *float64)
}

// New makes a probe of a valid Spec. Nothing is opened until it is run.
func New(s Spec, sys System) *Probe {
	p := &Probe{Spec: s.withDefaults(), system: sys}
	p.look = map[Kind]func(context.Context) (Reason, *float64){
		DNS: p.dns, TCP: p.tcp, TLS: p.tls, HTTP: p.http, Proxy: p.proxy,
		Disk: p.disk, Inode: p.inode, Memory: p.memory, Clock: p.clock,
	}[p.Kind]
	return p
}

// Run looks once. It returns when the timeout is over or ctx ends, whatever the
// other side does.
func (p *Probe) Run(ctx context.Context) Finding {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	from := p.system.Now()
	reason, value := Unmeasurable, (*float64)(nil)
	if p.look != nil {
		reason, value = p.look(ctx)
	}
	return Finding{
		Name: p.Name, Kind: p.Kind, Target: p.Target, Outcome: reason.Outcome(), Reason: reason,
		At: from, Took: max(0, p.system.Now().Sub(from).Seconds()), Value: value,
	}
}
