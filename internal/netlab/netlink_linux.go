package netlab

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// netlink is a route socket of the namespace it was opened in.
type netlink struct {
	fd  int
	seq uint32
}

func openNetlink() (*netlink, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	return &netlink{fd: fd}, nil
}

func (n *netlink) close() { unix.Close(n.fd) }

// request sends one message and waits for its acknowledgement.
func (n *netlink) request(kind uint16, flags uint16, payload []byte) error {
	n.seq++
	m := make([]byte, unix.NLMSG_HDRLEN, unix.NLMSG_HDRLEN+len(payload))
	m = append(m, payload...)
	binary.NativeEndian.PutUint32(m, uint32(len(m)))
	binary.NativeEndian.PutUint16(m[4:], kind)
	binary.NativeEndian.PutUint16(m[6:], flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	binary.NativeEndian.PutUint32(m[8:], n.seq)
	if err := unix.Sendto(n.fd, m, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	b := make([]byte, 8<<10)
	for {
		size, _, err := unix.Recvfrom(n.fd, b, 0)
		if err != nil {
			return err
		}
		if size < unix.NLMSG_HDRLEN+4 || binary.NativeEndian.Uint32(b[8:]) != n.seq || binary.NativeEndian.Uint16(b[4:]) != unix.NLMSG_ERROR {
			continue
		}
		if code := int32(binary.NativeEndian.Uint32(b[unix.NLMSG_HDRLEN:])); code != 0 {
			return unix.Errno(-code)
		}
		return nil
	}
}

// attr encodes an attribute; nested ones are its data.
func attr(kind uint16, data []byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(data)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, data...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func text(s string) []byte        { return append([]byte(s), 0) }
func number(n uint32) []byte      { return binary.NativeEndian.AppendUint32(nil, n) }
func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// ifinfo is struct ifinfomsg.
func ifinfo(index int32, flags, change uint32) []byte {
	b := make([]byte, 16)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	binary.NativeEndian.PutUint32(b[8:], flags)
	binary.NativeEndian.PutUint32(b[12:], change)
	return b
}

// addVeth makes a pair: one end here, the other in the namespace of a file.
func (n *netlink) addVeth(name, peer string, peerNS int, hw, peerHW net.HardwareAddr) error {
	const vethInfoPeer = 1
	other := join(ifinfo(0, 0, 0), attr(unix.IFLA_IFNAME, text(peer)), attr(unix.IFLA_NET_NS_FD, number(uint32(peerNS))), attr(unix.IFLA_ADDRESS, peerHW))
	info := join(attr(unix.IFLA_INFO_KIND, []byte("veth")), attr(unix.IFLA_INFO_DATA, attr(vethInfoPeer, other)))
	return n.request(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, join(
		ifinfo(0, 0, 0), attr(unix.IFLA_IFNAME, text(name)), attr(unix.IFLA_ADDRESS, hw), attr(unix.IFLA_LINKINFO, info)))
}

func (n *netlink) up(index int) error {
	return n.request(unix.RTM_NEWLINK, 0, ifinfo(int32(index), unix.IFF_UP, unix.IFF_UP))
}

func family(a netip.Addr) byte {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func (n *netlink) addAddress(index int, p netip.Prefix) error {
	b := make([]byte, 8) // struct ifaddrmsg
	b[0], b[1] = family(p.Addr()), byte(p.Bits())
	if p.Addr().Is6() {
		b[2] = unix.IFA_F_NODAD // nothing is on the wire that asks whether it is taken
	}
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	return n.request(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE,
		join(b, attr(unix.IFA_LOCAL, p.Addr().AsSlice()), attr(unix.IFA_ADDRESS, p.Addr().AsSlice())))
}

func (n *netlink) addDefaultRoute(index int, via netip.Addr) error {
	b := make([]byte, 12) // struct rtmsg
	b[0], b[4], b[5], b[7] = family(via), unix.RT_TABLE_MAIN, unix.RTPROT_BOOT, unix.RTN_UNICAST
	return n.request(unix.RTM_NEWROUTE, unix.NLM_F_CREATE, join(b, attr(unix.RTA_GATEWAY, via.AsSlice()), attr(unix.RTA_OIF, number(uint32(index)))))
}

func (n *netlink) addNeighbour(index int, a netip.Addr, hw net.HardwareAddr) error {
	b := make([]byte, 12) // struct ndmsg
	b[0] = family(a)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	binary.NativeEndian.PutUint16(b[8:], unix.NUD_PERMANENT)
	return n.request(unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, join(b, attr(unix.NDA_DST, a.AsSlice()), attr(unix.NDA_LLADDR, hw)))
}
