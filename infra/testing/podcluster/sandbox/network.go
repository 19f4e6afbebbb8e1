//go:build linux

package sandbox

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

// bridge is the name of the network that connects pods.
const bridge = "pods0"

// Network gives pods addresses that reach each other and this process.
type Network struct {
	prefix netip.Prefix

	mu   sync.Mutex
	last netip.Addr
}

// NewNetwork creates a network. This computer gets its first address.
func NewNetwork(ctx context.Context, prefix netip.Prefix) (*Network, error) {
	n := &Network{prefix: prefix, last: prefix.Addr().Next()}
	return n, run(ctx, "", "ip", "-batch", "-",
		"link add "+bridge+" type bridge",
		fmt.Sprintf("addr add %s/%d dev %s", n.last, prefix.Bits(), bridge),
		"link set "+bridge+" up",
	)
}

// Local makes all addresses of a prefix local to this process, so that it may
// listen on each, for example on the addresses of Services.
func Local(ctx context.Context, prefix netip.Prefix) error {
	return run(ctx, "", "ip", "route", "add", "local", prefix.String(), "dev", "lo")
}

// next returns an address that no pod had before.
func (n *Network) next() (netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	next := n.last.Next()
	if !n.prefix.Contains(next) {
		return netip.Addr{}, fmt.Errorf("network %s has no address left", n.prefix)
	}
	n.last = next
	return next, nil
}

// connect gives the network of a process an interface with the address.
func (n *Network) connect(ctx context.Context, pid int, address netip.Addr) error {
	bytes := address.As4()
	link := fmt.Sprintf("pod%d-%d", bytes[2], bytes[3])
	err := run(ctx, "", "ip", "-batch", "-",
		fmt.Sprintf("link add %s type veth peer name eth0 netns %d", link, pid),
		fmt.Sprintf("link set %s master %s up", link, bridge),
	)
	if err != nil {
		return err
	}
	return run(ctx, strconv.Itoa(pid), "ip", "-batch", "-",
		"link set lo up",
		fmt.Sprintf("addr add %s/%d dev eth0", address, n.prefix.Bits()),
		"link set eth0 up",
		"route add default via "+n.prefix.Addr().Next().String(),
	)
}

// run runs a program. If inside is not "", the program runs in the network of that
// process. The words after "-" are the lines of its standard input.
func run(ctx context.Context, inside string, words ...string) error {
	var input []string
	for i, word := range words {
		if word == "-" {
			input, words = words[i+1:], words[:i+1]
			break
		}
	}
	if inside != "" {
		words = append([]string{"nsenter", "--net=/proc/" + inside + "/ns/net"}, words...)
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stdin = strings.NewReader(strings.Join(input, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(append(words, input...), " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
