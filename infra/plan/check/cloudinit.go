package check

import (
	"context"
	"strings"

	"escala/infra/plan"
)

// cloudInit checks the user-data with cloud-init's own schema.
func cloudInit(ctx context.Context, s *subject) {
	if len(s.Machines) == 0 {
		return
	}
	t, ok := s.tool("cloud-init", "the cloud-config's schema")
	if !ok {
		return
	}
	defer t.close()
	for _, m := range s.Machines {
		if !strings.HasPrefix(m.Raw, "#cloud-config") {
			continue
		}
		where := m.Name + ": user-data"
		file, err := t.write("user-data", m.Raw)
		if err != nil {
			s.add(plan.Notice, where, "was not checked: "+err.Error(), "")
			continue
		}
		if said, ok := t.run(ctx, nil, "schema", "--config-file", file); !ok {
			s.add(plan.Error, where, "cloud-init refuses it: "+s.secrets.Mask(said), "the key as in cloud-init's module reference")
			continue
		}
		s.add(plan.Notice, where, "cloud-init's schema accepts it", "")
	}
}
