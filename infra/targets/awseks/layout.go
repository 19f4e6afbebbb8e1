package awseks

import (
	"encoding/binary"
	"net/netip"
)

// maxZones is as many as the layout has room for.
const maxZones = 4

// subnets are the ranges of one zone's subnets.
type subnets struct {
	private, public string
}

// layout divides a VPC into eighths, a private and a public one for each of four
// zones: where a subnet is does not depend on how many there are, so a further
// zone moves none.
func layout(cidr string, zone int) subnets {
	return subnets{private: eighth(cidr, zone), public: eighth(cidr, maxZones+zone)}
}

func eighth(cidr string, n int) string {
	vpc := netip.MustParsePrefix(cidr)
	bits := vpc.Bits() + 3
	base := vpc.Addr().As4()
	// Far from overflowing: the settings allow /16 to /20.
	start := binary.BigEndian.Uint32(base[:]) + uint32(n)<<(32-bits)
	binary.BigEndian.PutUint32(base[:], start)
	return netip.PrefixFrom(netip.AddrFrom4(base), bits).String()
}
