package check

import (
	"context"
	"fmt"

	"escala/infra/plan"
)

// full is the share of a limit, in percent, from which a warning is given.
const full = 90

// size compares the size of the user-data with the cloud's limit.
func size(_ context.Context, s *subject) {
	for _, m := range s.Machines {
		where := m.Name + ": user-data"
		if m.Error != "" {
			s.add(plan.Error, where, m.Error, "a cloud-config, a script or their parts in MIME")
		}
		if m.Limit == 0 {
			continue
		}
		used := m.Bytes * 100 / m.Limit
		what := fmt.Sprintf("%d of %d bytes (%d %%)", m.Bytes, m.Limit, used)
		const right = "less in service.env; the release does not belong in user-data"
		switch {
		case m.Bytes > m.Limit:
			s.add(plan.Error, where, what+": the cloud refuses it", right)
		case used >= full:
			s.add(plan.Warning, where, what, right)
		default:
			s.add(plan.Notice, where, what, "")
		}
	}
}
