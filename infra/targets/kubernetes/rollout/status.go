package rollout

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"escala/infra/operate"
	operated "escala/infra/operate/pods"
	"escala/service"
)

// statusTimeout limits all requests of a status together.
const statusTimeout = 10 * time.Second

// maxPods is the largest number of pods that a status lists.
const maxPods = 200

// Status returns the status of a Deployment and its pods. dependencies are the names of
// Deployments beside it, of which it has the problems.
func Status(ctx context.Context, stack *operate.Stack, kubeconfig, namespace, name string, dependencies ...string) operate.Status {
	now := time.Now()
	s := operate.Begin(stack, now)
	s.Pods = &operate.Pods{}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	c, err := newClient(kubeconfig)
	if err != nil {
		s.Problem("%s", operate.Plain(err.Error()))
		return s
	}
	var asking sync.WaitGroup
	var reach operate.Reached
	asking.Go(func() { reach = operate.Reach(ctx, stack, nil) })
	var scaler autoscaler
	var scalerErr error
	if stack.Spec.Scale.Fixed() == 0 {
		asking.Go(func() {
			scalerErr = c.get(ctx, "/apis/autoscaling/v2/namespaces/"+namespace+"/horizontalpodautoscalers/"+name, nil, &scaler)
		})
	}
	var runs []operate.CommandRun
	var runsErr error
	if stack.Spec.ReleaseCommand.Set() {
		asking.Go(func() { runs, runsErr = c.releaseRuns(ctx, namespace, name) })
	}
	var page struct{ Data map[string]string }
	asking.Go(func() {
		// A stack without a maintenance has no such ConfigMap, so its absence is no
		// problem.
		_ = c.get(ctx, "/api/v1/namespaces/"+namespace+"/configmaps/"+operated.MaintenanceName(name), nil, &page)
	})
	var memory map[string]int64
	var memoryErr error
	asking.Go(func() { memory, memoryErr = c.memory(ctx, namespace) })
	problems := make([]string, len(dependencies))
	for i, other := range dependencies {
		asking.Go(func() { problems[i] = Rollout{Namespace: namespace}.unready(ctx, c, other) })
	}
	d, pods, missing := Rollout{Namespace: namespace}.read(ctx, c, name)
	asking.Wait()
	_, s.Maintenance = page.Data[operated.MaintenanceFile]
	s.Add(reach)
	if missing != "" {
		s.Problem("%s", operate.Plain(missing))
	}
	if d != nil {
		s.Pods.Wanted = d.wanted()
		id, known := service.ReleaseOfImage(d.image())
		// Before the first update that succeeds, the stack wants no release.
		if known && s.Wanted != "" && id != s.Wanted {
			s.Problem("the last update released %s, but the Deployment wants %s", s.Wanted.Describe(), id.Describe())
		}
		if reason := d.Metadata.Annotations[takenBackAnnotation]; reason != "" {
			s.Problem("%s; make up tries it again", operate.Plain(reason))
		}
		for _, condition := range d.Status.Conditions {
			if condition.Type == "ReplicaFailure" && condition.Status == "True" {
				s.Problem("no pod can be made: %s", operate.Plain(condition.Message))
			}
		}
	}
	addPods(&s, pods, memory)
	for _, problem := range problems {
		if problem != "" {
			s.Problem("%s", operate.Plain(problem))
		}
	}
	if memoryErr != nil {
		s.NotKnown("memory of pods: %s", operate.Plain(memoryErr.Error()))
	}
	switch {
	case runsErr != nil:
		s.NotKnown("the runs of the release command: %s", operate.Plain(runsErr.Error()))
	case len(runs) > 0:
		s.Command = &runs[len(runs)-1]
	}
	if d != nil && s.Pods.Ready < s.Pods.Wanted {
		s.Problem("%d of %s ready", s.Pods.Ready, plural(s.Pods.Wanted, "pod"))
	}
	switch {
	case scalerErr != nil:
		s.NotKnown("the autoscaler: %s", operate.Plain(scalerErr.Error()))
	case scaler.Spec.MaxReplicas > 0:
		s.Pods.Min, s.Pods.Max = scaler.minReplicas(), scaler.Spec.MaxReplicas
		if trouble := scaler.trouble(); trouble != "" {
			s.Problem("the autoscaler: %s", operate.Plain(trouble))
		}
	}
	s.End()
	return s
}

// unready returns why not all pods of a Deployment run its image and are ready, or
// "".
func (r Rollout) unready(ctx context.Context, c *client, name string) string {
	d, pods, missing := r.read(ctx, c, name)
	if missing != "" {
		return missing
	}
	ready, problem := 0, ""
	for _, p := range pods {
		switch {
		case p.Metadata.DeletionTimestamp != nil || p.ended() || p.image() != d.image():
		case p.ready():
			ready++
		case problem == "":
			// The lines after the first are the pod's log.
			reason, _, _ := strings.Cut(r.reason(ctx, c, p), "\n")
			problem = ": " + strings.TrimSuffix(reason, ":")
		}
	}
	if ready >= d.wanted() {
		return ""
	}
	return fmt.Sprintf("%d of %s of %s are ready%s", ready, plural(d.wanted(), "pod"), name, problem)
}

// addPods adds the pods and their problems.
func addPods(s *operate.Status, pods []pod, memory map[string]int64) {
	slices.SortFunc(pods, func(a, b pod) int { return strings.Compare(a.Metadata.Name, b.Metadata.Name) })
	last := time.Time{}
	for _, p := range pods {
		if p.ended() || p.Metadata.DeletionTimestamp != nil {
			continue
		}
		one := operate.Instance{Name: operate.Plain(p.Metadata.Name), Ready: p.ready()}
		one.Release, _ = service.ReleaseOfImage(p.image())
		restarts := 0
		for _, c := range p.Status.ContainerStatuses {
			restarts += c.RestartCount
			if running := c.State.Running; running != nil && !running.StartedAt.IsZero() {
				started := running.StartedAt.UTC()
				one.Since = &started
			}
			if w := c.State.Waiting; w != nil {
				one.Trouble = operate.Plain(first(w.Message, w.Reason))
				s.Problem("pod %s: %s", one.Name, operate.Plain(strings.Trim(w.Reason+": "+w.Message, ": ")))
			}
			if t := c.LastState.Terminated; t != nil && t.FinishedAt.After(last) {
				last = t.FinishedAt
				s.Incident = fmt.Sprintf("%s pod %s ended: %s", last.UTC().Format("2006-01-02T15:04:05"), one.Name, operate.Plain(ending(t)))
			}
		}
		if unplaced := p.condition("PodScheduled"); unplaced.Status == "False" {
			one.Trouble = operate.Plain(unplaced.Message)
			s.Problem("pod %s finds no node: %s", one.Name, one.Trouble)
		}
		one.Restarts = &restarts
		if bytes, known := memory[p.Metadata.Name]; known {
			one.MemoryBytes = &bytes
		}
		if one.Ready && one.Release == s.Wanted {
			s.Pods.Ready++
		}
		if len(s.Instances) < maxPods {
			s.Instances = append(s.Instances, one)
		}
	}
}

// ending describes the end of a container.
func ending(t *terminated) string {
	text := fmt.Sprintf("%s, exit status %d", t.Reason, t.ExitCode)
	if t.Signal != 0 {
		text = fmt.Sprintf("%s, signal %d", t.Reason, t.Signal)
	}
	return text
}

// autoscaler has the fields of a HorizontalPodAutoscaler that a status shows.
type autoscaler struct {
	Spec struct {
		MinReplicas *int
		MaxReplicas int
	}
	Status struct{ Conditions []condition }
}

func (a autoscaler) minReplicas() int {
	if a.Spec.MinReplicas == nil {
		return 1
	}
	return *a.Spec.MinReplicas
}

// trouble returns the reason why the autoscaler cannot work, or "".
func (a autoscaler) trouble() string {
	for _, c := range a.Status.Conditions {
		if (c.Type == "AbleToScale" || c.Type == "ScalingActive") && c.Status == "False" && c.Reason != "ScalingDisabled" {
			return first(c.Message, c.Reason)
		}
	}
	return ""
}

// memory returns the memory of the namespace's pods, from the metrics API. A
// cluster has that API only with a metrics server.
func (c *client) memory(ctx context.Context, namespace string) (map[string]int64, error) {
	var list struct {
		Items []struct {
			Metadata   meta
			Containers []struct{ Usage struct{ Memory string } }
		}
	}
	if err := c.get(ctx, "/apis/metrics.k8s.io/v1beta1/namespaces/"+namespace+"/pods", url.Values{"limit": {"500"}}, &list); err != nil {
		return nil, err
	}
	all := map[string]int64{}
	for _, item := range list.Items {
		for _, container := range item.Containers {
			if quantity, err := resource.ParseQuantity(container.Usage.Memory); err == nil {
				all[item.Metadata.Name] += quantity.Value()
			}
		}
	}
	return all, nil
}
