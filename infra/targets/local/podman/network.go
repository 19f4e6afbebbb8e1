package podman

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Network is the clone's own network. With it, two clones on one host do not use
// the same addresses.
type Network struct {
	Name   string
	Subnet netip.Prefix
}

// EnsureNetwork returns the clone's network, and makes it if it does not exist.
// Its name, interface and subnet (in 10.128.0.0/9) are derived from the
// folder's path. Subnets that are in use are skipped.
func (p Podman) EnsureNetwork(ctx context.Context) (Network, error) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(p.Folder))
	sum := h.Sum32()
	name := fmt.Sprintf("escala-%08x", sum)

	if n, err := p.network(ctx, name); err != nil || n.Name != "" {
		return n, err
	}
	var last error
	for i := range uint32(16) {
		pick := sum + i*7919
		subnet := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 128 + byte(pick>>8)&0x7f, byte(pick), 0}), 24)
		if _, last = p.run(ctx, "network", "create", "--disable-dns", "--subnet", subnet.String(), name); last == nil {
			return Network{Name: name, Subnet: subnet}, p.nameInterface(name, fmt.Sprintf("esc%08x", sum))
		}
		if !strings.Contains(last.Error(), "subnet") {
			break
		}
	}
	return Network{}, fmt.Errorf("making the machines' network: %w", last)
}

// nameInterface gives the network's bridge a name of its own. Podman would take the
// first free podmanN, and another clone's network that is down at that moment may
// have the same name.
func (p Podman) nameInterface(network, bridge string) error {
	path := filepath.Join(p.Folder, "networks", network+".json")
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("naming the network's interface: %w", err)
	}
	var config map[string]any
	if err := json.Unmarshal(b, &config); err != nil {
		return fmt.Errorf("naming the network's interface: %w", err)
	}
	config["network_interface"] = bridge
	if b, err = json.MarshalIndent(config, "", "  "); err != nil {
		return fmt.Errorf("naming the network's interface: %w", err)
	}
	return os.WriteFile(path, b, 0o644)
}

func (p Podman) network(ctx context.Context, name string) (Network, error) {
	out, err := p.run(ctx, "network", "inspect", name)
	if notFound(err) {
		return Network{}, nil
	}
	if err != nil {
		return Network{}, err
	}
	var found []struct {
		Subnets []struct{ Subnet netip.Prefix }
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil || len(found) != 1 || len(found[0].Subnets) != 1 {
		return Network{}, fmt.Errorf("reading what podman says of network %s: %w", name, err)
	}
	return Network{Name: name, Subnet: found[0].Subnets[0].Subnet}, nil
}

// FreeIP returns the lowest address of the network that is not in taken and
// that no container has, running or not.
func (p Podman) FreeIP(ctx context.Context, n Network, taken ...string) (string, error) {
	names, err := p.Containers(ctx)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		out, err := p.run(ctx, "container", "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}{{.Config.CreateCommand}}", name)
		if err != nil && !notFound(err) {
			return "", err
		}
		taken = append(taken, strings.Fields(strings.Trim(out, "[]\n"))...)
	}
	// .0 is the network, .1 is the host.
	for ip := n.Subnet.Addr().Next().Next(); n.Subnet.Contains(ip.Next()); ip = ip.Next() {
		if !slices.Contains(taken, ip.String()) {
			return ip.String(), nil
		}
	}
	return "", errors.New("no address is left in the machines' network " + n.Subnet.String())
}

// Leased reports whether podman refused an address because it treats the address as
// another container's. The lease of a container whose creation was interrupted is
// never returned.
func Leased(err error) bool {
	failed := &Error{}
	return errors.As(err, &failed) && strings.Contains(failed.Stderr, "is already allocated")
}

// Containers returns the names of all containers, running or not.
func (p Podman) Containers(ctx context.Context) ([]string, error) {
	if _, err := os.Stat(p.Folder); os.IsNotExist(err) {
		return nil, nil
	}
	out, err := p.run(ctx, "ps", "--all", "--format", "{{.Names}}")
	if err != nil {
		return nil, err
	}
	return strings.Fields(out), nil
}

// RemoveWhenUnused removes the clone's network and podman's traces on the host if
// no container is left.
func (p Podman) RemoveWhenUnused(ctx context.Context) error {
	left, err := p.Containers(ctx)
	if err != nil || len(left) > 0 {
		return err
	}
	out, err := p.run(ctx, "network", "ls", "--format", "{{.Name}}")
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(out) {
		if strings.HasPrefix(name, "escala-") {
			if _, err := p.run(ctx, "network", "rm", name); err != nil && !notFound(err) {
				return fmt.Errorf("removing the machines' network: %w", err)
			}
		}
	}
	unlock, err := Lock(ctx, firewallLock)
	if err != nil {
		return err
	}
	removeTraces(ctx)
	unlock()
	if run := p.runRoot(); filepath.Dir(run) != filepath.Clean(p.Folder) {
		if err := os.RemoveAll(run); err != nil {
			return fmt.Errorf("removing podman's folder below /run: %w", err)
		}
	}
	return nil
}
