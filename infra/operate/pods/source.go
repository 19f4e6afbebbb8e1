package pods

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// componentName matches the value of the label of a component.
var componentName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// source returns the pods of a source of logs: the service's own pods for "", one of
// them by its name, or those of a component: "release-command", "process-mailer",
// "schedule-report", "redis". The last two also have the names that their units have
// on machines. Of what runs in Jobs it is the last run. more reports whether pods may
// be added later.
func (c *Cluster) source(ctx context.Context, source string) (pods []pod, more bool, err error) {
	_, own, err := c.pods(ctx)
	if err != nil || source == "" {
		return own, true, err
	}
	p, missing := find(own, source)
	if missing == nil {
		return []pod{p}, false, nil
	}
	component, _, _ := strings.Cut(strings.TrimPrefix(source, "escala-"), "@")
	if !componentName.MatchString(component) {
		return nil, false, missing
	}
	of, err := c.labelled(ctx, "app.kubernetes.io/name="+c.Deployment+",app.kubernetes.io/component="+component)
	switch {
	case err != nil:
		return nil, false, err
	case len(of) == 0:
		return nil, false, fmt.Errorf("%w; and no component of that name has a pod (release-command, process-NAME, schedule-NAME, redis)", missing)
	}
	if last := of[len(of)-1]; last.Metadata.Labels[jobLabel] != "" {
		of = []pod{last}
	}
	return of, true, nil
}

// jobLabel is the label on pods with the name of their Job.
const jobLabel = "batch.kubernetes.io/job-name"
