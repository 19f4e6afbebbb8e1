package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"escala/infra/deploy/gate"
	"escala/service"
)

// ReleaseCommand is the run of a release's command in a Job, before the release's
// first pod. The Job of each run stays in the namespace as its record:
//
//   - Its name has the number of the run, for all releases, and the API server accepts
//     a name only once. So of two updates that see no run in progress, also of two
//     releases, one creates the next run, and the other one waits for it.
//   - A Job continues when the update ends. The next update waits for it.
//   - A successful run is the last one of its release and command.
//   - A failed run is repeated only by an update after the one that has reported it. So
//     the end of each run is reported before the next run begins.
type ReleaseCommand struct {
	// Kubeconfig is the content of a kubeconfig for the cluster.
	Kubeconfig string
	// Namespace has all objects. Service is the service's name.
	Namespace, Service string
	// CronJob is the name of the suspended CronJob that has the Job's template.
	CronJob string
	// Image is the release's image, by digest. Command is the digest of the command.
	Image, Command string
	// Needs are the names of Deployments that must be ready before the command
	// starts.
	Needs []string
	// Limit is the command's own time limit. MemoryMiB is its memory limit in MiB.
	Limit     time.Duration
	MemoryMiB int
	// Timeout is the time that Kubernetes allows a Job altogether. It is also the
	// time limit of the wait for Needs. Stop is the time that a killed command has
	// to end.
	Timeout, Stop time.Duration
	// Poll is the time between two checks. Default 1 s.
	Poll time.Duration
	// StuckTimeout is the time for which the same failure may prevent the start of the
	// command. Kubernetes retries meanwhile. Default 45 s.
	StuckTimeout time.Duration
	// Report is called with what the run waits for, each time that it changes.
	Report func(string)
}

// ReleaseComponent is the value of the label app.kubernetes.io/component on Jobs
// and pods of release commands. CommandLabel is the label with the command's
// digest.
const (
	ReleaseComponent = "release-command"
	CommandLabel     = "escala/command"
)

// reportedLabel is the label on the Job of a failed run that an update has
// reported.
const reportedLabel = "escala/reported"

// maxJobs is the number of runs whose Jobs stay. An older release runs its command
// again if the source, and not a rollback, goes back to it.
const maxJobs = 20

// maxRaces is the number of attempts to create a run that another update creates
// first.
const maxRaces = 5

// apiMargin is the time after a Job's own limits in which Kubernetes must have
// recorded its end.
const apiMargin = time.Minute

// Run returns nil once the command has succeeded for the release, now or in an
// earlier run. The error of a failed run has the run's last lines.
func (r ReleaseCommand) Run(ctx context.Context) error {
	c, err := newClient(r.Kubeconfig)
	if err != nil {
		return err
	}
	if r.Poll == 0 {
		r.Poll = time.Second
	}
	if r.StuckTimeout == 0 {
		r.StuckTimeout = 45 * time.Second
	}
	if err := r.awaitNeeds(ctx, c); err != nil {
		return err
	}
	for races := 0; ; {
		all, err := r.jobs(ctx, c)
		if err != nil {
			return fmt.Errorf("looking for runs of the release command: %w", err)
		}
		// A run of another release's command must end first.
		if i := slices.IndexFunc(all, func(j job) bool { return !j.ended() && !r.matches(j) }); i >= 0 {
			r.Report("waiting: the release command of release " + shortRelease(all[i].image()) + " runs in Job " + all[i].Metadata.Name)
			if _, _, err := r.follow(ctx, c, all[i]); err != nil {
				return err
			}
			continue
		}
		runs := slices.DeleteFunc(slices.Clone(all), func(j job) bool { return !r.matches(j) })
		if done := slices.IndexFunc(runs, job.succeeded); done >= 0 {
			r.Report("the release command has succeeded for release " + shortRelease(r.Image) + " in Job " + runs[done].Metadata.Name)
			return nil
		}
		if n := len(runs); n > 0 && (!runs[n-1].ended() || runs[n-1].Metadata.Labels[reportedLabel] == "") {
			return r.conclude(ctx, c, runs[n-1], all)
		}
		next, err := r.begin(ctx, c, all)
		if races++; errors.Is(err, errConflict) && races < maxRaces {
			continue // another update has begun a run
		}
		if err != nil {
			return fmt.Errorf("starting the release command: %w", err)
		}
		return r.conclude(ctx, c, next, all)
	}
}

// matches reports whether a run is for the release and its command.
func (r ReleaseCommand) matches(j job) bool {
	of, _ := service.ReleaseOfImage(j.image())
	release, ok := service.ReleaseOfImage(r.Image)
	return ok && of == release && j.Metadata.Labels[CommandLabel] == r.Command
}

// awaitNeeds waits for the Deployments in Needs.
func (r ReleaseCommand) awaitNeeds(ctx context.Context, c *client) error {
	look := Rollout{Namespace: r.Namespace, Image: r.Image}
	loop := gate.Awaiting{Timeout: r.Timeout, Poll: r.Poll, StuckTimeout: r.StuckTimeout, Report: r.Report}
	last, took, err := gate.Await(ctx, loop, func(ctx context.Context) (view, gate.CheckResult) {
		for _, name := range r.Needs {
			if v := look.other(ctx, c, name); v.missing != "" {
				return v, gate.CheckResult{Missing: v.missing, Failure: v.trouble.kind, Final: v.trouble.final}
			}
		}
		return view{}, gate.CheckResult{Done: true}
	})
	if errors.Is(err, gate.ErrMissing) {
		return look.failure(ctx, c, last, took, nil)
	}
	return err
}

// jobs returns the runs of all release commands, the oldest one first.
func (r ReleaseCommand) jobs(ctx context.Context, c *client) ([]job, error) {
	var list struct{ Items []job }
	if err := c.get(ctx, r.path("jobs"), labelled("app.kubernetes.io/name="+r.Service, "app.kubernetes.io/component="+ReleaseComponent), &list); err != nil {
		return nil, err
	}
	slices.SortFunc(list.Items, func(a, b job) int {
		return cmp.Or(a.Metadata.CreationTimestamp.Compare(b.Metadata.CreationTimestamp), cmp.Compare(a.number(), b.number()))
	})
	return list.Items, nil
}

func (r ReleaseCommand) path(kind string, name ...string) string {
	return strings.Join(append([]string{"/apis/batch/v1/namespaces", r.Namespace, kind}, name...), "/")
}

// begin creates the Job of a new run from the CronJob. all are the existing runs.
func (r ReleaseCommand) begin(ctx context.Context, c *client, all []job) (job, error) {
	var from struct {
		Spec struct {
			JobTemplate struct {
				Metadata struct {
					Labels map[string]string
				}
				Spec map[string]any
			}
		}
	}
	if err := c.get(ctx, r.path("cronjobs", r.CronJob), nil, &from); err != nil {
		return job{}, err
	}
	// Every update that has seen the same runs chooses the same name.
	number := 1
	for _, j := range all {
		number = max(number, j.number()+1)
	}
	name := r.Service + "-release-" + strconv.Itoa(number)
	template := from.Spec.JobTemplate
	object := map[string]any{
		"apiVersion": "batch/v1", "kind": "Job",
		"metadata": map[string]any{
			"name": name, "labels": template.Metadata.Labels,
			"annotations": map[string]any{"cronjob.kubernetes.io/instantiate": "manual"},
		},
		"spec": template.Spec,
	}
	var new job
	if err := remarshal(object, &new); err != nil {
		return job{}, err
	}
	if !r.matches(new) {
		return job{}, fmt.Errorf("CronJob %s/%s was changed meanwhile: it has another image or command than this update's", r.Namespace, r.CronJob)
	}
	err := c.create(ctx, r.path("jobs"), object)
	if err != nil && !errors.Is(err, errConflict) {
		// The API server may have created the Job in spite of the error, or another
		// update's.
		var there job
		if c.get(ctx, r.path("jobs", name), nil, &there) == nil {
			new, err = there, nil
			if !r.matches(there) {
				err = errConflict
			}
		}
	}
	if err != nil {
		return job{}, err
	}
	r.Report("the release command of release " + shortRelease(r.Image) + " runs in Job " + name)
	return new, nil
}

// conclude waits for a run and returns its result. all are the earlier runs.
func (r ReleaseCommand) conclude(ctx context.Context, c *client, j job, all []job) error {
	j, last, err := r.follow(ctx, c, j)
	if err != nil {
		return err
	}
	if j.succeeded() {
		r.prune(ctx, c, all)
		return nil
	}
	failure := r.failure(ctx, c, j, last)
	// Without the label, the next update reports the run again instead of repeating it.
	err = c.patch(ctx, r.path("jobs", j.Metadata.Name), map[string]any{"metadata": map[string]any{"labels": map[string]string{reportedLabel: "true"}}})
	if err != nil && !errors.Is(err, errNotFound) {
		failure = fmt.Errorf("%w\nthe next update reports this again, since Job %s cannot be labelled as reported: %w", failure, j.Metadata.Name, err)
	}
	return failure
}

// prune deletes the Jobs of the oldest runs. Its failures do not matter to a
// release.
func (r ReleaseCommand) prune(ctx context.Context, c *client, all []job) {
	for _, old := range all[:max(0, len(all)-maxJobs)] {
		if old.ended() {
			_ = c.remove(ctx, r.path("jobs", old.Metadata.Name))
		}
	}
}
