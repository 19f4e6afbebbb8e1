package cloudinit

import (
	"fmt"
	"net/netip"
	"strings"
)

// metadataFiles returns the files that close the cloud's metadata service to
// every account but root, or to the accounts in MetadataRefused. The service
// serves user-data and, on AWS, the credentials of the machine's role. The rule
// matches the owner of the socket, so the service cannot avoid it. A unit sets
// the rule at every boot, before supervisord starts.
func (m Machine) metadataFiles() ([]File, error) {
	if len(m.MetadataOnlyRoot) == 0 {
		return nil, nil
	}
	refused, comment := "!= 0", "Only root may ask the metadata service."
	if len(m.MetadataRefused) > 0 {
		comment = "These accounts may not ask the metadata service."
		refused = "{ " + strings.Join(m.MetadataRefused, ", ") + " }"
	}
	var rules strings.Builder
	for _, address := range m.MetadataOnlyRoot {
		ip, err := netip.ParseAddr(address)
		if err != nil {
			return nil, fmt.Errorf("closing the metadata service: %w", err)
		}
		family := "ip"
		if ip.Is6() {
			family = "ip6"
		}
		fmt.Fprintf(&rules, "\t\tmeta skuid %s %s daddr %s counter reject\n", refused, family, ip)
	}
	return []File{
		{Path: "/etc/escala/metadata.nft", Content: `# ` + comment + `
table inet escala
delete table inet escala
table inet escala {
	chain output {
		type filter hook output priority filter; policy accept;
` + rules.String() + `	}
}
`},
		{Path: "/etc/systemd/system/escala-metadata.service", Content: `[Unit]
Description=Keeps the metadata service for root
DefaultDependencies=no
After=systemd-modules-load.service local-fs.target
Before=network-pre.target supervisor.service ` + AgentUnit + `
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/escala/metadata.nft

[Install]
WantedBy=multi-user.target
`},
	}, nil
}
