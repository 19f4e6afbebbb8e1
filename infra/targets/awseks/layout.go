package awseks

import (
	"encoding/binary"
	"net/netip"
)

// maxZones is the largest number of zones in the layout.
const maxZones = 4

// subnets are the IP ranges of one zone's subnets.
type subnets struct {
	private, public string
}

// layout returns the subnets of a zone. It divides the VPC into eighths: a private
// and a public one for each of four zones. A subnet's range does not depend on the
// number of zones, so another zone does not change the existing subnets.
func layout(cidr string, zone int) subnets {
	return subnets{private: eighth(cidr, zone), public: eighth(cidr, maxZones+zone)}
}

func eighth(cidr string, n int) string {
	vpc := netip.MustParsePrefix(cidr)
	bits := vpc.Bits() + 3
	base := vpc.Addr().As4()
	// The addition cannot overflow: the settings allow /16 to /20.
	start := binary.BigEndian.Uint32(base[:]) + uint32(n)<<(32-bits)
	binary.BigEndian.PutUint32(base[:], start)
	return netip.PrefixFrom(netip.AddrFrom4(base), bits).String()
}
