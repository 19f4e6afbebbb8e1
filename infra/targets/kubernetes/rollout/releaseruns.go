package rollout

import (
	"context"
	"time"

	"escala/infra/operate"
	"escala/service"
	"escala/service/event"
)

// releaseRuns returns the recorded runs of the service's release commands, the
// oldest one first.
func (c *client) releaseRuns(ctx context.Context, namespace, name string) ([]operate.CommandRun, error) {
	command := ReleaseCommand{Namespace: namespace, Service: name}
	jobs, err := command.jobs(ctx, c)
	if err != nil || len(jobs) == 0 {
		return nil, err
	}
	var pods struct{ Items []pod }
	selected := labelled("app.kubernetes.io/name="+name, "app.kubernetes.io/component="+ReleaseComponent)
	if err := c.get(ctx, "/api/v1/namespaces/"+namespace+"/pods", selected, &pods); err != nil {
		return nil, err
	}
	of := map[string]*pod{}
	for i, p := range pods.Items {
		of[p.Metadata.Labels[jobLabel]] = &pods.Items[i]
	}
	runs := make([]operate.CommandRun, 0, len(jobs))
	for _, j := range jobs {
		runs = append(runs, j.run(of[j.Metadata.Name]))
	}
	return runs, nil
}

// jobLabel is the label on pods with the name of their Job.
const jobLabel = "batch.kubernetes.io/job-name"

// run describes the run of a Job. p is its pod, or nil.
func (j job) run(p *pod) operate.CommandRun {
	release, _ := service.ReleaseOfImage(j.image())
	run := operate.CommandRun{Instance: operate.Plain(j.Metadata.Name), Release: release, Began: j.Metadata.CreationTimestamp.UTC()}
	if !j.ended() {
		return run
	}
	run.Result = event.Succeeded
	ended := j.Status.CompletionTime
	if !j.succeeded() {
		run.Result, run.Text = event.Failed, operate.Plain(j.reason(p))
		for _, c := range j.Status.Conditions {
			if c.Type == "Failed" {
				ended = c.LastTransitionTime
			}
		}
	}
	if seconds := ended.Sub(run.Began); seconds > 0 {
		run.Seconds = int(seconds / time.Second)
	}
	return run
}

// reason returns the reason why a Job failed: the end of its container, or what
// Kubernetes reports about the pod or the Job.
func (j job) reason(p *pod) string {
	if p != nil {
		if p.Status.Reason != "" {
			return first(p.Status.Message, p.Status.Reason)
		}
		for _, c := range p.Status.ContainerStatuses {
			if end := c.State.Terminated; end != nil {
				return ending(end)
			}
		}
	}
	for _, c := range j.Status.Conditions {
		if c.Type == "Failed" {
			return first(c.Message, c.Reason)
		}
	}
	return ""
}

// eventOf returns the event of a run: its end, or its begin if it has not ended.
func eventOf(r operate.CommandRun) event.Event {
	e := event.Event{Time: r.Ended(), Kind: event.Command, Release: r.Release, Instance: r.Instance, Result: r.Result, Seconds: r.Seconds, Text: r.Text}
	if r.Result == "" {
		e.Text = "it runs"
	}
	return e
}
