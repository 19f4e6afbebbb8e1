package provider

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"escala/infra/targets/local/podman"
)

// sweep removes the folders of containers that no longer exist, and the network if
// no container is left. Containers may also have been removed by hand; the engine
// then removes their resources from the state without a Delete.
func sweep(ctx context.Context, config Config) error {
	unlock, err := podman.Lock(ctx, config.path("network.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	names, err := config.podman().Containers(ctx)
	if err != nil {
		return fmt.Errorf("looking for what is left over: %w", err)
	}
	for _, parent := range []string{machinesFolder, addressesFolder, authoritiesFolder} {
		entries, err := os.ReadDir(config.path(parent))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("looking for what is left over: %w", err)
		}
		for _, e := range entries {
			if slices.Contains(names, e.Name()) {
				continue
			}
			if err := os.RemoveAll(config.path(parent, e.Name())); err != nil {
				return fmt.Errorf("removing what is left over: %w", err)
			}
		}
	}
	return config.podman().RemoveWhenUnused(ctx)
}
