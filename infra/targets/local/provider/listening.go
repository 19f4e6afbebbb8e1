package provider

import (
	"context"
	"os"
	"slices"

	"escala/infra/targets/local/podman"
)

// Listening says whether it is an address of this state folder that has the
// port.
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
