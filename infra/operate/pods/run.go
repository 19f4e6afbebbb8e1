package pods

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"escala/infra/operate"
)

// jobTTLSeconds is the time, in seconds, for which a Job that was run by hand stays
// after its end, with its logs.
const jobTTLSeconds = 3600

// runEvery is the time between two checks of a Job.
const runEvery = time.Second

// Run runs the command of a schedule or a process once, in a Job of its own: made
// from the CronJob, as `kubectl create job --from` does, or from the pods of the
// process. The error of a command that ends with a status is an operate.ExitError.
// If ctx ends, the Job is deleted, and its pod with it.
func (c *Cluster) Run(ctx context.Context, r operate.RunRequest) error {
	job, err := c.jobFor(ctx, r.Name)
	if err != nil {
		return err
	}
	jobs := "/apis/batch/v1/namespaces/" + c.Namespace + "/jobs"
	name := job["metadata"].(map[string]any)["name"].(string)
	if err := c.do(ctx, http.MethodPost, jobs, nil, job, nil); err != nil {
		return fmt.Errorf("creating the Job %s/%s: %w", c.Namespace, name, err)
	}
	err = c.watch(ctx, name, r.Out)
	if ctx.Err() == nil {
		return err
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	if gone := c.do(stop, http.MethodDelete, jobs+"/"+name, url.Values{"propagationPolicy": {"Background"}}, nil, nil); gone != nil {
		return fmt.Errorf("the Job %s/%s goes on: %w", c.Namespace, name, gone)
	}
	return ctx.Err()
}

// jobFor returns a Job for a schedule or a process.
func (c *Cluster) jobFor(ctx context.Context, task string) (map[string]any, error) {
	from := c.Deployment + "-" + task
	job, err := c.jobOfSchedule(ctx, from)
	if code(err) == http.StatusNotFound {
		job, err = c.jobOfProcess(ctx, from)
	}
	if code(err) == http.StatusNotFound {
		return nil, fmt.Errorf("the namespace %s has neither a CronJob nor a Deployment %s; make up creates it", c.Namespace, from)
	}
	return job, err
}

func (c *Cluster) jobOfSchedule(ctx context.Context, from string) (map[string]any, error) {
	var found struct {
		Metadata struct{ Name, UID string }
		Spec     struct {
			ConcurrencyPolicy string
			JobTemplate       struct {
				Metadata map[string]any
				Spec     map[string]any
			}
		}
		Status struct{ Active []struct{ Name string } }
	}
	if err := c.do(ctx, http.MethodGet, "/apis/batch/v1/namespaces/"+c.Namespace+"/cronjobs/"+from, nil, nil, &found); err != nil {
		return nil, fmt.Errorf("reading the CronJob %s/%s: %w", c.Namespace, from, err)
	}
	if len(found.Status.Active) > 0 && found.Spec.ConcurrencyPolicy != "Allow" {
		return nil, fmt.Errorf("a run goes on: Job %s/%s", c.Namespace, found.Status.Active[0].Name)
	}
	job := newJob(from, found.Spec.JobTemplate.Metadata, found.Spec.JobTemplate.Spec)
	job["metadata"].(map[string]any)["ownerReferences"] = []map[string]any{{
		"apiVersion": "batch/v1", "kind": "CronJob", "name": found.Metadata.Name, "uid": found.Metadata.UID, "controller": true,
	}}
	return job, nil
}

func (c *Cluster) jobOfProcess(ctx context.Context, from string) (map[string]any, error) {
	var found struct {
		Spec struct{ Template map[string]any }
	}
	if err := c.do(ctx, http.MethodGet, "/apis/apps/v1/namespaces/"+c.Namespace+"/deployments/"+from, nil, nil, &found); err != nil {
		return nil, fmt.Errorf("reading the Deployment %s/%s: %w", c.Namespace, from, err)
	}
	if pod, ok := found.Spec.Template["spec"].(map[string]any); ok {
		pod["restartPolicy"] = "Never"
	}
	metadata, _ := found.Spec.Template["metadata"].(map[string]any)
	return newJob(from, metadata, map[string]any{"backoffLimit": 0, "template": found.Spec.Template}), nil
}

// newJob returns a Job with a unique name.
func newJob(from string, metadata, spec map[string]any) map[string]any {
	spec["ttlSecondsAfterFinished"] = jobTTLSeconds
	labels, _ := metadata["labels"].(map[string]any)
	return map[string]any{
		"apiVersion": "batch/v1", "kind": "Job",
		"metadata": map[string]any{
			"name": from + "-" + strings.ToLower(rand.Text()[:6]), "labels": labels,
			"annotations": map[string]any{"cronjob.kubernetes.io/instantiate": "manual"},
		},
		"spec": spec,
	}
}

// runPod has the fields of a Job's pod that are used here.
type runPod struct {
	Metadata struct{ Name string }
	Status   struct {
		Phase             string
		ContainerStatuses []struct {
			State struct {
				Waiting    *struct{ Reason, Message string }
				Running    *json.RawMessage
				Terminated *struct {
					ExitCode int
					Reason   string
				}
			}
		}
	}
}

// watch writes the output of a Job's pod, and waits for its end.
func (c *Cluster) watch(ctx context.Context, job string, out io.Writer) error {
	shown, said := false, ""
	for {
		p, err := c.podOf(ctx, job)
		if err != nil {
			return err
		}
		if p != nil && len(p.Status.ContainerStatuses) > 0 {
			state := p.Status.ContainerStatuses[0].State
			if waits := state.Waiting; waits != nil && waits.Reason != "ContainerCreating" && waits.Reason != said {
				said = waits.Reason
				fmt.Fprintf(out, "pod %s waits: %s %s\n", p.Metadata.Name, waits.Reason, operate.Visible(waits.Message))
			}
			if !shown && (state.Running != nil || state.Terminated != nil) {
				shown = true
				if err := c.copyLog(ctx, p.Metadata.Name, out); err != nil {
					return err
				}
				continue
			}
			if ended := state.Terminated; ended != nil {
				if ended.ExitCode != 0 {
					return &operate.ExitError{Status: ended.ExitCode}
				}
				return nil
			}
		}
		if err := c.failed(ctx, job); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(runEvery):
		}
	}
}

// podOf returns the pod of a Job, or nil while there is none.
func (c *Cluster) podOf(ctx context.Context, job string) (*runPod, error) {
	var list struct{ Items []runPod }
	if err := c.do(ctx, http.MethodGet, "/api/v1/namespaces/"+c.Namespace+"/pods", url.Values{"labelSelector": {"batch.kubernetes.io/job-name=" + job}}, nil, &list); err != nil {
		return nil, fmt.Errorf("looking for the pod of Job %s/%s: %w", c.Namespace, job, err)
	}
	if len(list.Items) == 0 {
		return nil, nil //nolint:nilnil // there is none yet
	}
	return &list.Items[0], nil
}

// copyLog writes the log until the container ends.
func (c *Cluster) copyLog(ctx context.Context, pod string, out io.Writer) error {
	log, err := c.open(ctx, http.MethodGet, "/api/v1/namespaces/"+c.Namespace+"/pods/"+pod+"/log", url.Values{"follow": {"true"}}, nil)
	if err != nil {
		return fmt.Errorf("reading the log of pod %s/%s: %w", c.Namespace, pod, err)
	}
	defer log.Close()
	if _, err := io.Copy(out, log); err != nil {
		return fmt.Errorf("reading the log of pod %s/%s: %w", c.Namespace, pod, err)
	}
	return nil
}

// failed returns the reason why a Job failed before its container ended.
func (c *Cluster) failed(ctx context.Context, job string) error {
	var found struct {
		Status struct {
			Conditions []struct{ Type, Status, Reason, Message string }
		}
	}
	if err := c.do(ctx, http.MethodGet, "/apis/batch/v1/namespaces/"+c.Namespace+"/jobs/"+job, nil, nil, &found); err != nil {
		return fmt.Errorf("reading the Job %s/%s: %w", c.Namespace, job, err)
	}
	for _, one := range found.Status.Conditions {
		if one.Type == "Failed" && one.Status == "True" {
			return fmt.Errorf("the Job %s/%s failed: %s: %s", c.Namespace, job, one.Reason, operate.Visible(one.Message))
		}
	}
	return nil
}
