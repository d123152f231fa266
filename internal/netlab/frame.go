package netlab

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

const (
	etherHeader = 14
	etherIPv4   = 0x0800
	etherARP    = 0x0806
	etherIPv6   = 0x86dd
)

// parse reads an Ethernet frame. Whatever it cannot read is still a packet: it
// was on the wire, and is counted under what is known of it.
func parse(b []byte, p *Packet) {
	p.Bytes, p.Proto = len(b), "short"
	if len(b) < etherHeader {
		return
	}
	kind, rest := binary.BigEndian.Uint16(b[12:]), b[etherHeader:]
	switch {
	case kind == etherARP:
		p.Proto = "arp"
		if len(rest) >= 28 {
			p.Src = netip.AddrPortFrom(netip.AddrFrom4([4]byte(rest[14:18])), 0)
			p.Dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte(rest[24:28])), 0)
		}
	case kind == etherIPv4 && len(rest) >= 20 && int(rest[0]&15)*4 >= 20 && len(rest) >= int(rest[0]&15)*4:
		total := min(int(binary.BigEndian.Uint16(rest[2:])), len(rest))
		if total == 0 {
			total = len(rest) // segmented later, by hardware
		}
		head := int(rest[0]&15) * 4
		p.Src = netip.AddrPortFrom(netip.AddrFrom4([4]byte(rest[12:16])), 0)
		p.Dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte(rest[16:20])), 0)
		if binary.BigEndian.Uint16(rest[6:])&0x1fff != 0 || total < head {
			p.Proto = "ip-fragment"
			return
		}
		transport(rest[9], rest[head:total], p)
	case kind == etherIPv6 && len(rest) >= 40:
		p.Src = netip.AddrPortFrom(netip.AddrFrom16([16]byte(rest[8:24])), 0)
		p.Dst = netip.AddrPortFrom(netip.AddrFrom16([16]byte(rest[24:40])), 0)
		total := int(binary.BigEndian.Uint16(rest[4:]))
		if total == 0 {
			total = len(rest) - 40
		}
		transport(rest[6], rest[40:40+min(total, len(rest)-40)], p)
	default:
		p.Proto = fmt.Sprintf("ether-%04x", kind)
	}
}

func transport(proto byte, b []byte, p *Packet) {
	ports := func() {
		p.Src = netip.AddrPortFrom(p.Src.Addr(), binary.BigEndian.Uint16(b))
		p.Dst = netip.AddrPortFrom(p.Dst.Addr(), binary.BigEndian.Uint16(b[2:]))
	}
	switch {
	case proto == 6 && len(b) >= 20 && int(b[12]>>4)*4 >= 20 && len(b) >= int(b[12]>>4)*4:
		p.Proto = "tcp"
		ports()
		p.seq = binary.BigEndian.Uint32(b[4:])
		p.fin, p.syn = b[13]&1 != 0, b[13]&2 != 0
		p.Payload = append([]byte(nil), b[int(b[12]>>4)*4:]...)
	case proto == 17 && len(b) >= 8:
		p.Proto = "udp"
		ports()
		p.Payload = append([]byte(nil), b[8:]...)
	case proto == 1:
		p.Proto = "icmp"
	case proto == 58:
		p.Proto = "icmp6"
	default:
		p.Proto = fmt.Sprintf("ip-%d", proto)
		p.Payload = append([]byte(nil), b...)
	}
}
