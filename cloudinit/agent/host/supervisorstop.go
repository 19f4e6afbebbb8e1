package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"escala/cloudinit/agent"
)

// supervisorPID is supervisord's PID file.
const supervisorPID = "/run/supervisord.pid"

// StopSupervisor ends supervisord. If the machine keeps running, it kills
// supervisord alone, and the workers keep serving as orphans: at a restart,
// such as an upgrade of the package, no worker may end before its successor is
// ready. If the machine shuts down, the workers drain.
func (r Root) StopSupervisor(ctx context.Context, config agent.Config) error {
	content, err := os.ReadFile(r.path(supervisorPID))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading supervisord's process number: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil || pid <= 1 {
		return fmt.Errorf("%s has %.20q, which is not a process id", supervisorPID, content)
	}
	sig := syscall.SIGKILL
	if strings.TrimSpace(output(ctx, "systemctl", "is-system-running")) == "stopping" {
		// Nginx stops first. The requests that it has already read still reach
		// the workers.
		sleep(ctx, time.Second)
		sig = syscall.SIGTERM
	}
	if err := syscall.Kill(pid, sig); err != nil {
		if errors.Is(err, syscall.ESRCH) {
			return nil
		}
		return fmt.Errorf("ending supervisord: %w", err)
	}
	for limit := time.Now().Add(time.Duration(config.Stop) + time.Second); time.Now().Before(limit) && parent(pid) != 0; {
		sleep(ctx, 50*time.Millisecond)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) { _ = Clock{}.Sleep(ctx, d) }
