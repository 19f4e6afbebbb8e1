package pods

import (
	"context"
	"slices"
	"time"

	"escala/infra/operate"
)

// selectsTail reports whether a request selects the last lines with a text. The API
// counts lines of any text from the end of a log, so such a log is read whole.
func selectsTail(r operate.LogsRequest) bool {
	return r.Contains != "" && r.Lines > 0 && r.Since.IsZero()
}

// tail returns the last selected lines of a pod's log, and the time of the log's
// last line of any text. It has no more lines in memory.
func (c *Cluster) tail(ctx context.Context, p pod, r operate.LogsRequest) ([]operate.Line, time.Time, error) {
	r.Follow = false
	s, err := c.lines(ctx, p, r)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer s.body.Close()
	var kept []operate.Line
	for {
		if err := s.fill(); err != nil {
			return nil, time.Time{}, err
		}
		if !s.full {
			return kept, s.last, nil
		}
		s.full = false
		if kept = append(kept, s.head); len(kept) > r.Lines {
			kept[0] = operate.Line{}
			kept = kept[1:]
		}
	}
}

// tails passes the last selected lines of all pods to emit, in the order of their
// times.
func (c *Cluster) tails(ctx context.Context, pods []pod, r operate.LogsRequest, emit func(operate.Line) error) error {
	var all []operate.Line
	for _, p := range pods {
		kept, _, err := c.tail(ctx, p, r)
		if err != nil {
			return err
		}
		all = append(all, kept...)
	}
	slices.SortStableFunc(all, func(a, b operate.Line) int { return a.Time.Compare(b.Time) })
	for _, line := range all {
		if err := emit(line); err != nil {
			return err
		}
	}
	return nil
}
