package gate

import (
	"context"
	"strings"
	"time"

	"escala/service/machine"
)

// outputWait is longer than a machine takes to write a refusal to the release
// store. outputEvery is the time between two reads of the store.
const (
	outputWait  = 20 * time.Second
	outputEvery = 2 * time.Second
)

// output returns the last lines of a refused release, which the machine writes only
// to the release store. It returns "" if failure, the text of the error, already has
// them.
func (g Gate) output(ctx context.Context, want Want, failure string) string {
	if g.Stored == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, outputWait)
	defer cancel()
	for {
		status, err := g.Stored(ctx)
		if err == nil && status.Phase == machine.Refused && status.Wanted == want.Release && status.RequestedAt == want.RequestedAt {
			lines := strings.Split(strings.TrimSpace(status.Output), "\n")
			if strings.Contains(failure, strings.TrimSpace(lines[len(lines)-1])) {
				return ""
			}
			return "  " + strings.Join(lines, "\n  ")
		}
		select {
		case <-ctx.Done():
			return ""
		case <-time.After(min(outputEvery, 4*g.Poll)):
		}
	}
}
