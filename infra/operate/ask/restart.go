package ask

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"escala/cloudinit/agent/request"
)

// Restart replaces all workers by new processes of the same release. It returns once
// the last of them serves.
func (m Machine) Restart(ctx context.Context, report func(string)) error {
	began := time.Now()
	report("asking machine " + m.ID)
	if _, err := m.do(ctx, request.Restart, nil, cmp.Or(m.RestartTimeout, restartTimeout)); err != nil {
		return fmt.Errorf("restarting: %w", err)
	}
	report(fmt.Sprintf("all workers are new after %s", time.Since(began).Round(time.Second)))
	return nil
}
