package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"escala/infra/deploy/gate"
)

// job has the fields of a Job that ReleaseCommand reads.
type job struct {
	Metadata meta
	Spec     struct {
		Template struct {
			Spec struct {
				Containers []struct{ Name, Image string }
			}
		}
	}
	Status struct {
		Conditions     []condition
		CompletionTime time.Time
	}
}

// image returns the image of the first container.
func (j job) image() string {
	if len(j.Spec.Template.Spec.Containers) == 0 {
		return ""
	}
	return j.Spec.Template.Spec.Containers[0].Image
}

// number returns the number at the end of the Job's name.
func (j job) number() int {
	number, _ := strconv.Atoi(j.Metadata.Name[strings.LastIndex(j.Metadata.Name, "-")+1:])
	return number
}

func (j job) is(kind string) bool {
	for _, c := range j.Status.Conditions {
		if c.Type == kind && c.Status == "True" {
			return true
		}
	}
	return false
}

func (j job) succeeded() bool { return j.is("Complete") }

func (j job) ended() bool { return j.succeeded() || j.is("Failed") }

func remarshal(from, to any) error {
	content, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, to)
}

func labelled(terms ...string) url.Values {
	return url.Values{"labelSelector": {strings.Join(terms, ",")}}
}

// run is the state of a Job at its last read.
type run struct {
	job job
	// pod is the Job's pod as it was seen last, or nil.
	pod *pod
	// started means that the container has been seen running or ended.
	started bool
	// reason is the reason why there is no pod, or why the container does not start.
	reason string
	// abandoned means that the wait has ended the Job because it could not start.
	abandoned bool
}

// neverStarted reports whether the command did not start before the time of its Job
// or pod was over. It is false for a pod that disappeared in another way: the
// command may have run between two reads.
func (r run) neverStarted() bool {
	expired := r.abandoned || r.pod != nil && r.pod.Status.Reason == deadlineExceeded
	for _, c := range r.job.Status.Conditions {
		expired = expired || c.Type == "Failed" && c.Reason == deadlineExceeded
	}
	return expired && !r.started && r.reason != ""
}

// deadlineExceeded is the reason in Jobs and pods that have exceeded their
// activeDeadlineSeconds.
const deadlineExceeded = "DeadlineExceeded"

// follow waits for the end of a Job, and returns the Job and its last state. It
// ends a Job whose command cannot start, because the command might otherwise run
// after the update has failed.
func (r ReleaseCommand) follow(ctx context.Context, c *client, j job) (job, run, error) {
	last := run{job: j}
	loop := gate.Awaiting{Timeout: r.Timeout + r.Stop + apiMargin, Poll: r.Poll, StuckTimeout: r.StuckTimeout, Report: r.Report}
	for {
		_, _, err := gate.Await(ctx, loop, func(ctx context.Context) (run, gate.CheckResult) {
			missing, failure := r.readJob(ctx, c, &last)
			if last.abandoned {
				failure = trouble{}
			}
			return last, gate.CheckResult{Missing: missing, Done: last.job.ended(), Failure: failure.kind, Final: failure.final}
		})
		switch {
		case err == nil:
			return last.job, last, nil
		case !errors.Is(err, gate.ErrMissing):
			return j, last, fmt.Errorf("waiting for the release command in Job %s: %w; it goes on, and the next update waits for it", j.Metadata.Name, err)
		case last.abandoned || last.reason == "" || last.started:
			return j, last, fmt.Errorf("the end of the release command in Job %s is not known after %s; the next update waits for it", j.Metadata.Name, loop.Timeout)
		}
		// Kubernetes then ends the Job at once, and the Job stays as the record.
		if err := c.patch(ctx, r.path("jobs", j.Metadata.Name), map[string]any{"spec": map[string]any{"activeDeadlineSeconds": 1}}); err != nil {
			return j, last, fmt.Errorf("ending Job %s, whose command is not started (%s): %w", j.Metadata.Name, last.reason, err)
		}
		last.abandoned = true
		loop.Timeout = r.Stop + apiMargin
	}
}

// readJob reads a Job and its pod. It returns what the wait is for, and what prevents
// the command from starting.
func (r ReleaseCommand) readJob(ctx context.Context, c *client, last *run) (string, trouble) {
	name := last.job.Metadata.Name
	var now job
	err := c.get(ctx, r.path("jobs", name), nil, &now)
	switch {
	case errors.Is(err, errNotFound):
		// The record is deleted with the Job, so its end is unknown.
		last.job.Status.Conditions = []condition{{Type: "Failed", Status: "True", Reason: "Deleted", Message: "the Job was deleted"}}
		return "", trouble{}
	case err != nil:
		return err.Error(), trouble{}
	}
	var pods struct{ Items []pod }
	if err := c.get(ctx, "/api/v1/namespaces/"+r.Namespace+"/pods", labelled(jobLabel+"="+name), &pods); err != nil {
		return err.Error(), trouble{}
	}
	last.job = now
	if len(pods.Items) > 0 {
		last.pod = &pods.Items[0]
	}
	missing := "the release command runs in Job " + name
	if last.pod == nil {
		last.reason = ""
		for _, e := range c.events(ctx, r.Namespace, "Job", name) {
			if e.Reason == "FailedCreate" {
				last.reason = "no pod can be made: " + e.Message
			}
		}
		if last.reason != "" {
			return missing + ": " + last.reason, trouble{kind: troubleRefused}
		}
		return missing, trouble{}
	}
	for _, one := range last.pod.Status.ContainerStatuses {
		if one.State.Running != nil || one.State.Terminated != nil {
			last.started, last.reason = true, ""
			return missing, trouble{}
		}
	}
	if last.started {
		return missing, trouble{}
	}
	last.reason = "pod " + last.pod.Metadata.Name + " is not started yet"
	if len(last.pod.Status.ContainerStatuses) > 0 || last.pod.condition("PodScheduled").Status == "False" {
		last.reason = Rollout{Namespace: r.Namespace}.reason(ctx, c, *last.pod)
	}
	return missing + ": " + last.reason, firstTrouble([]pod{*last.pod})
}

// failure describes the end of a run that did not succeed.
func (r ReleaseCommand) failure(ctx context.Context, c *client, j job, last run) error {
	const again = "; the next update runs it again"
	var end *terminated
	disturbed := last.pod == nil
	if p := last.pod; p != nil {
		if len(p.Status.ContainerStatuses) > 0 {
			end = p.Status.ContainerStatuses[0].State.Terminated
		}
		// A deleted or evicted pod is stopped with SIGTERM, so the end of its command
		// proves nothing.
		disturbed = end == nil || p.Metadata.DeletionTimestamp != nil || p.Status.Reason != "" || p.condition("DisruptionTarget").Status == "True"
	}
	var reason string
	switch p := last.pod; {
	case last.neverStarted():
		reason = "was not started: " + last.reason + again
	case p != nil && p.Status.Reason == deadlineExceeded:
		reason = fmt.Sprintf("has not ended within %s and was killed%s", r.Limit, again)
	case disturbed:
		reason = fmt.Sprintf("was interrupted in Job %s%s, and whether it did its work is unknown: look at what it changes before the next update, which runs it again",
			j.Metadata.Name, interruption(j, p))
	case end.Reason == "OOMKilled":
		reason = fmt.Sprintf("used more than %d MiB of memory and was killed%s", r.MemoryMiB, again)
	case end.Signal != 0:
		reason = fmt.Sprintf("ends by signal %d%s", end.Signal, again)
	default:
		reason = fmt.Sprintf("ends with status %d%s", end.ExitCode, again)
	}
	text := fmt.Sprintf("release %s is refused: its release command %s", shortRelease(r.Image), reason)
	if last.pod != nil && last.started {
		lines := c.logTail(ctx, r.Namespace, last.pod.Metadata.Name, "", reportedLines, false)
		if lines == "" && end != nil {
			lines = strings.TrimSpace(end.Message)
		}
		if lines != "" {
			text += "\n  " + strings.ReplaceAll(lines, "\n", "\n  ")
		}
	}
	return errors.New(text)
}

// interruption returns what Kubernetes reports about the end of a disturbed pod.
func interruption(j job, p *pod) string {
	var reason string
	if p != nil {
		reason = first(p.condition("DisruptionTarget").Message, p.Status.Message, p.Status.Reason)
	}
	if reason == "" {
		for _, c := range j.Status.Conditions {
			if c.Type == "Failed" {
				reason = first(c.Message, c.Reason)
			}
		}
	}
	if reason == "" {
		return ""
	}
	return " (" + strings.TrimSuffix(strings.TrimSpace(reason), ".") + ")"
}
