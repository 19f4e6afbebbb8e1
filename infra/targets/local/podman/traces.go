package podman

import (
	"context"
	"os"
	"os/exec"
	"strings"
)

// removeTraces removes what podman leaves on a host after its last container: a
// mount over /run/netns and netavark's iptables chains. It removes only unused
// ones, and netavark makes them again when it needs them, so it does not affect
// other users of podman. It ignores errors: a host may have none of these
// traces.
func removeTraces(ctx context.Context) {
	if entries, err := os.ReadDir("/run/netns"); err == nil && len(entries) == 0 {
		_ = exec.CommandContext(ctx, "umount", "/run/netns").Run()
	}
	for _, trace := range []struct {
		table string
		// users is the chain that holds one rule per network or published port.
		users    string
		commands []string
	}{
		{"filter", "NETAVARK_FORWARD", []string{
			"-D FORWARD -m comment --comment|netavark firewall plugin rules|-j NETAVARK_FORWARD",
			"-X NETAVARK_FORWARD",
		}},
		{"nat", "NETAVARK-HOSTPORT-DNAT", []string{
			"-D PREROUTING -m addrtype --dst-type LOCAL -j NETAVARK-HOSTPORT-DNAT",
			"-D OUTPUT -m addrtype --dst-type LOCAL -j NETAVARK-HOSTPORT-DNAT",
			"-D POSTROUTING -j NETAVARK-HOSTPORT-MASQ",
			"-X NETAVARK-HOSTPORT-DNAT",
			"-F NETAVARK-HOSTPORT-MASQ",
			"-X NETAVARK-HOSTPORT-MASQ",
			"-F NETAVARK-HOSTPORT-SETMARK",
			"-X NETAVARK-HOSTPORT-SETMARK",
		}},
	} {
		if !isEmptyChain(ctx, trace.table, trace.users) {
			continue
		}
		for _, command := range trace.commands {
			_ = exec.CommandContext(ctx, "iptables", append([]string{"--wait", "-t", trace.table}, words(command)...)...).Run()
		}
	}
}

// words splits a string at spaces, except between bars.
func words(s string) []string {
	var out []string
	for i, part := range strings.Split(s, "|") {
		if i%2 == 1 {
			out = append(out, part)
		} else {
			out = append(out, strings.Fields(part)...)
		}
	}
	return out
}

func isEmptyChain(ctx context.Context, table, chain string) bool {
	out, err := exec.CommandContext(ctx, "iptables", "--wait", "-t", table, "-S", chain).Output()
	return err == nil && !strings.Contains(string(out), "-A ")
}
