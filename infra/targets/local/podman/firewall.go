package podman

import "context"

// firewallLock is locked while the host's firewall gets or loses netavark's chains.
// It is one file for all clones of the host, since the chains are. Netavark 1.4 looks
// for a chain and then makes it. If another process makes it in between, it fails with
// "Chain already exists" (containers/netavark#274). Its own lock is in podman's folder,
// so it holds within a clone only.
const firewallLock = "/run/escala-firewall.lock"

// runLocked runs a podman command that gives a container its network.
func (p Podman) runLocked(ctx context.Context, args ...string) error {
	unlock, err := Lock(ctx, firewallLock)
	if err != nil {
		return err
	}
	defer unlock()
	_, err = p.run(ctx, args...)
	return err
}
