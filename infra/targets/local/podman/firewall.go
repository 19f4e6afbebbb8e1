package podman

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// firewallLock is locked while the host's firewall gets or loses netavark's chains.
// It is one file for all clones of the host, since the chains are.
const firewallLock = "/run/escala-firewall.lock"

// lockFirewall waits until no other clone changes netavark's chains, and returns
// the function that ends the lock. Netavark 1.4 looks for a chain and then makes it.
// If another process makes it in between, it fails with "Chain already exists"
// (containers/netavark#274). Its own lock is in podman's folder, so it holds within
// a clone only.
func lockFirewall(ctx context.Context) (func(), error) {
	f, err := os.OpenFile(firewallLock, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the firewall against other clones: %w", err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("locking the firewall against other clones: %w", err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("waiting until another clone has changed the firewall: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return func() {
		// Close alone does not end the lock while a child that this process has
		// just forked still has a copy of the file.
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
		f.Close()
	}, nil
}

// runLocked runs a podman command that gives a container its network.
func (p Podman) runLocked(ctx context.Context, args ...string) error {
	unlock, err := lockFirewall(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	_, err = p.run(ctx, args...)
	return err
}
