// Package netlab is a network that consists of one wire: a namespace in which a
// program runs, a second one that plays the rest of the world, and between them
// a veth pair, the only way out, on whose far end every frame is counted.
//
//	+-- near ----------------+          +-- far -----------------+
//	| lo   program   weir0 --|== veth ==|-- weir1   lo           |
//	|        192.0.2.1       |          | 192.0.2.2   any address|
//	+------------------------+          +---- packet socket -----+
//
// It promises that what a program in near sends to anywhere but itself is seen:
// by whatever protocol, to whatever address, answered or not. The two ends know
// each other's link addresses from the start, so not even a request for them is
// on the wire that nobody's program caused.
//
// It needs Linux and the right to make namespaces (root, or CAP_SYS_ADMIN and
// CAP_NET_ADMIN), and says so: [ErrRights]. It touches nothing of the host's
// network. It does not see what programs tell each other through files and Unix
// sockets.
package netlab

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// ErrRights is returned by New where a namespace may not be made.
var ErrRights = errors.New("a network namespace cannot be made here: it takes root, or CAP_SYS_ADMIN and CAP_NET_ADMIN (with sudo; in a container with --cap-add SYS_ADMIN --cap-add NET_ADMIN)")

// Addresses of the two ends.
var (
	Near  = netip.MustParseAddr("192.0.2.1")
	Far   = netip.MustParseAddr("192.0.2.2")
	Near6 = netip.MustParseAddr("2001:db8::1")
	Far6  = netip.MustParseAddr("2001:db8::2")
)

// Packet is one frame that was seen.
type Packet struct {
	Time    time.Time
	FromFar bool           // sent by the rest of the world
	Proto   string         // tcp, udp, icmp, icmp6, arp, or a number
	Src     netip.AddrPort // without a port where the protocol has none
	Dst     netip.AddrPort
	Bytes   int // the whole frame
	Payload []byte

	seq      uint32 // of TCP
	syn, fin bool
}

// Line is the sum of the frames of one kind.
type Line struct {
	Proto   string `json:"protocol"`
	To      string `json:"to"`
	Packets int    `json:"packets"`
	Bytes   int    `json:"bytes"`
	Payload int    `json:"payload_bytes"`
}

// Summarize adds up what left near, by protocol and destination.
func Summarize(packets []Packet) []Line {
	type key struct{ proto, to string }
	sum := map[key]*Line{}
	for _, p := range packets {
		if p.FromFar {
			continue
		}
		to := p.Dst.String()
		if p.Dst.Port() == 0 {
			to = p.Dst.Addr().String()
		}
		k := key{p.Proto, to}
		if sum[k] == nil {
			sum[k] = &Line{Proto: p.Proto, To: to}
		}
		sum[k].Packets++
		sum[k].Bytes += p.Bytes
		sum[k].Payload += len(p.Payload)
	}
	var out []Line
	for _, l := range sum {
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b Line) int { return strings.Compare(a.Proto+a.To, b.Proto+b.To) })
	return out
}

// Sent counts what left near.
func Sent(packets []Packet) (frames, bytes int) {
	for _, p := range packets {
		if !p.FromFar {
			frames, bytes = frames+1, bytes+p.Bytes
		}
	}
	return frames, bytes
}

// Stream is what one side of a TCP connection said.
type Stream struct {
	Src, Dst netip.AddrPort
	Data     []byte
}

// Streams puts together what near said, connection by connection, as its first
// bytes were seen. Bytes that were sent twice count once; if they differ, or if
// some are missing, that is an error.
func Streams(packets []Packet) ([]Stream, error) {
	type key struct{ src, dst netip.AddrPort }
	type half struct {
		begin uint32
		data  []byte
		have  []bool
	}
	open := map[key]*half{}
	var order []key
	var done []Stream
	finish := func(k key) error {
		h := open[k]
		delete(open, k)
		if i := slices.Index(h.have, false); i >= 0 {
			return fmt.Errorf("bytes of the stream from %s to %s are missing at %d", k.src, k.dst, i)
		}
		done = append(done, Stream{k.src, k.dst, h.data})
		return nil
	}
	for _, p := range packets {
		if p.FromFar || p.Proto != "tcp" {
			continue
		}
		k := key{p.Src, p.Dst}
		h := open[k]
		if p.syn {
			if h != nil && h.begin != p.seq+1 { // the port is used again
				if err := finish(k); err != nil {
					return nil, err
				}
				h = nil
			}
			if h == nil {
				open[k] = &half{begin: p.seq + 1}
				order = append(order, k)
			}
			continue
		}
		if len(p.Payload) == 0 {
			continue
		}
		if h == nil {
			return nil, fmt.Errorf("the stream from %s to %s has no beginning", p.Src, p.Dst)
		}
		at := int(int32(p.seq - h.begin))
		if at < 0 {
			continue // a probe that keeps the connection alive
		}
		if end := at + len(p.Payload); end > len(h.data) {
			h.data = append(h.data, make([]byte, end-len(h.data))...)
			h.have = append(h.have, make([]bool, end-len(h.have))...)
		}
		for i, c := range p.Payload {
			if h.have[at+i] && h.data[at+i] != c {
				return nil, fmt.Errorf("bytes of the stream from %s to %s differ when they are sent again", p.Src, p.Dst)
			}
			h.data[at+i], h.have[at+i] = c, true
		}
	}
	for _, k := range order {
		if open[k] != nil {
			if err := finish(k); err != nil {
				return nil, err
			}
		}
	}
	return done, nil
}
