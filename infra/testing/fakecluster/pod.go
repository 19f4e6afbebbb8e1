package fakecluster

import (
	"fmt"
	"strings"
	"time"
)

// pod returns a pod of the set in the form of the API server.
func (s *set) pod(name string) any {
	conditions := []any{condition("Ready", s.serves, "")}
	status := map[string]any{"name": "api", "ready": s.serves, "restartCount": s.trouble.Restarts}
	t := s.trouble
	switch {
	case t.Unschedulable != "":
		conditions = append(conditions, condition("PodScheduled", false, t.Unschedulable))
		status = nil
	case t.Waiting != "":
		status["state"] = map[string]any{"waiting": map[string]any{"reason": t.Waiting, "message": t.Message}}
	case t.Ended != "":
		status["state"] = map[string]any{"waiting": map[string]any{"reason": "CrashLoopBackOff", "message": "back-off"}}
		status["lastState"] = map[string]any{"terminated": map[string]any{"exitCode": t.ExitCode, "reason": t.Ended, "finishedAt": s.made.UTC().Format(time.RFC3339)}}
	default:
		status["state"] = map[string]any{"running": map[string]any{"startedAt": s.made.UTC().Format(time.RFC3339)}}
	}
	statuses := []any{}
	if status != nil {
		statuses = append(statuses, status)
	}
	return map[string]any{
		"metadata": map[string]any{"name": name, "labels": map[string]any{"pod-template-hash": s.hash}},
		"spec":     map[string]any{"containers": []any{map[string]any{"name": "api", "image": s.image}}},
		"status":   map[string]any{"phase": "Running", "conditions": conditions, "containerStatuses": statuses},
	}
}

func condition(kind string, holds bool, message string) any {
	status := "False"
	if holds {
		status = "True"
	}
	return map[string]any{"type": kind, "status": status, "message": message}
}

// events returns the events of the object that a field selector names.
func (c *Cluster) events(selector string) []any {
	_, name, _ := strings.Cut(selector, "involvedObject.name=")
	warn := func(reason, message string) []any {
		return []any{map[string]any{"type": "Warning", "reason": reason, "message": message}}
	}
	for _, d := range c.deployments {
		for _, s := range d.sets {
			own := fmt.Sprintf("%s-%s", d.name, s.hash)
			switch {
			case name == own && s.trouble.Refused != "":
				return warn("FailedCreate", s.trouble.Refused)
			case strings.HasPrefix(name, own+"-") && s.trouble.Unready != "":
				return warn("Unhealthy", s.trouble.Unready)
			}
		}
	}
	if c.Unaddressed && strings.Contains(selector, "involvedObject.kind=Ingress") {
		return warn("FailedBuildModel", "no subnet has the tag")
	}
	return []any{}
}
