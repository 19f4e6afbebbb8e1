package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"escala/cloudinit/agent/sessionmanager"
)

// Paths of AWS Session Manager's agent.
const (
	// sessionManagerUnit exists if the agent is installed. Images of others than
	// Debian may have it.
	sessionManagerUnit = "/lib/systemd/system/amazon-ssm-agent.service"
	// sessionManagerFolder has the package until it is installed.
	sessionManagerFolder = "/var/lib/escala/session-manager"
)

// InstallSessionManager installs the agent of AWS Session Manager from url, if
// the machine has none. It fails if the package is not signed by Amazon.
func (r Root) InstallSessionManager(ctx context.Context, url string) error {
	_, err := os.Stat(r.path(sessionManagerUnit))
	if err == nil {
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("looking for the Session Manager's agent: %w", err)
	}
	installer, err := sessionmanager.New(url, r.path(sessionManagerFolder))
	if err != nil {
		return err
	}
	return installer.Install(ctx)
}
