package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

const (
	// reportedPods is the number of pods that are reported. The other pods have the same
	// reasons.
	reportedPods = 2
	// reportedLines is the number of log lines per pod.
	reportedLines = 15
)

// reasons returns the reasons that the cluster reports, mainly those of the
// pods.
func (r Rollout) reasons(ctx context.Context, c *client, v view) []string {
	var reasons []string
	if v.replicaSet != "" {
		for _, e := range c.events(ctx, r.Namespace, "ReplicaSet", v.replicaSet) {
			if e.Reason == "FailedCreate" {
				reasons = append(reasons, "no pod can be made: "+e.Message)
			}
		}
		reasons = slices.Compact(reasons)
		reasons = reasons[max(0, len(reasons)-1):]
	}
	// The pods that are not ready, the one with the clearest trouble first.
	var silent []pod
	for _, p := range v.new {
		if !p.ready() {
			silent = append(silent, p)
		}
	}
	slices.SortStableFunc(silent, func(a, b pod) int {
		return strings.Compare(firstTrouble([]pod{b}).kind, firstTrouble([]pod{a}).kind)
	})
	for _, p := range silent[:min(reportedPods, len(silent))] {
		reasons = append(reasons, r.reason(ctx, c, p))
	}
	if more := len(silent) - reportedPods; more > 0 {
		reasons = append(reasons, plural(more, "more pod")+" like it")
	}
	if v.ingress {
		for _, e := range warnings(c.events(ctx, r.Namespace, "Ingress", r.Ingress)) {
			reasons = append(reasons, "ingress "+r.Ingress+": "+e)
		}
	}
	return reasons
}

// reason returns why one pod is not ready.
func (r Rollout) reason(ctx context.Context, c *client, p pod) string {
	name := "pod " + p.Metadata.Name
	if s := p.condition("PodScheduled"); s.Status == "False" {
		return fmt.Sprintf("%s finds no node: %s", name, s.Message)
	}
	events := warnings(c.events(ctx, r.Namespace, "Pod", p.Metadata.Name))
	for _, one := range p.Status.ContainerStatuses {
		switch t := one.trouble(); t.kind {
		case troubleImage:
			return fmt.Sprintf("%s cannot pull its image: %s", name, first(one.State.Waiting.Message, one.State.Waiting.Reason))
		case troubleConfig:
			return fmt.Sprintf("%s cannot be started: %s", name, first(one.State.Waiting.Message, one.State.Waiting.Reason))
		case troubleCrash:
			return name + " " + r.crash(ctx, c, p, one, events)
		}
		if w := one.State.Waiting; w != nil && one.State.Running == nil {
			return fmt.Sprintf("%s is not started yet: %s", name, strings.Join(append([]string{first(w.Message, w.Reason)}, events...), "; "))
		}
	}
	why := name + " runs, but is not ready"
	if gate := p.condition("Ready"); gate.Message != "" && strings.Contains(gate.Message, "readiness gate") {
		why += ": " + gate.Message
	}
	if len(events) > 0 {
		why += ": " + strings.Join(events, "; ")
	}
	return why + r.printed(ctx, c, p, "", false)
}

// lastLines returns what a pod of the release has printed: before its end, if one has
// ended by itself.
func (r Rollout) lastLines(ctx context.Context, c *client, v view) []string {
	restarts := func(p pod) (n int) {
		for _, one := range p.Status.ContainerStatuses {
			n += one.RestartCount
		}
		return n
	}
	pods := slices.DeleteFunc(slices.Clone(v.new), func(p pod) bool { return !p.ready() })
	slices.SortStableFunc(pods, func(a, b pod) int { return restarts(b) - restarts(a) })
	for _, p := range pods {
		lines := r.printed(ctx, c, p, "", restarts(p) > 0)
		if text, ok := strings.CutPrefix(lines, "; it"); ok {
			return []string{"pod " + p.Metadata.Name + text}
		}
	}
	return nil
}

// crash returns how a container ended, and its last log lines.
func (r Rollout) crash(ctx context.Context, c *client, p pod, one container, events []string) string {
	ended, previous := one.LastState.Terminated, true
	if one.State.Terminated != nil {
		ended, previous = one.State.Terminated, false
	}
	cause := "ends by itself"
	if ended != nil {
		switch {
		case ended.Reason == "OOMKilled":
			cause = "is killed: it uses more memory than service.resources.memoryMiB lets it"
		case ended.Signal != 0:
			cause = fmt.Sprintf("ends by signal %d", ended.Signal)
		default:
			cause = fmt.Sprintf("ends with status %d", ended.ExitCode)
		}
	}
	cause += ", " + plural(one.RestartCount, "restart") + " so far"
	// If a failed probe killed a container, its status is like that of one that
	// ended by itself.
	reasons := []string{cause}
	for _, e := range events {
		if strings.Contains(e, "probe failed") {
			reasons = append(reasons, e)
		}
	}
	return strings.Join(reasons, "; ") + r.printed(ctx, c, p, one.Name, previous)
}

// printed returns a container's last log lines.
func (r Rollout) printed(ctx context.Context, c *client, p pod, container string, previous bool) string {
	if container == "" && len(p.Spec.Containers) > 0 {
		container = p.Spec.Containers[0].Name
	}
	lines := c.logTail(ctx, r.Namespace, p.Metadata.Name, container, reportedLines, previous)
	if lines == "" {
		return ""
	}
	return "; it printed:\n  " + strings.ReplaceAll(lines, "\n", "\n  ")
}

// warnings returns the last three different messages of warning events.
func warnings(events []objectEvent) []string {
	var all []string
	for _, e := range events {
		message := strings.TrimSpace(e.Message)
		if e.Type == "Warning" && message != "" && e.Reason != "BackOff" && !slices.Contains(all, message) {
			all = append(all, message)
		}
	}
	return all[max(0, len(all)-3):]
}

func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}
