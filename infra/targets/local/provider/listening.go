package provider

import (
	"context"
	"os"
	"slices"

	"escala/infra/targets/local/podman"
)

// Listening reports whether the port belongs to an address of this state
// folder.
func Listening(ctx context.Context, state string, port int) (bool, error) {
	pod := podman.Podman{Folder: PodmanFolder(state)}
	entries, err := os.ReadDir(Config{State: state}.path(addressesFolder))
	if os.IsNotExist(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	want := AddressArgs{Port: port}.listen()
	for _, e := range entries {
		status, err := pod.Inspect(ctx, e.Name())
		if err != nil {
			return false, err
		}
		if status.Running && slices.Contains(status.Command, want) {
			return true, nil
		}
	}
	return false, nil
}
