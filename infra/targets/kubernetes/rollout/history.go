package rollout

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"escala/infra/operate"
	"escala/service"
	"escala/service/event"
)

// These limit the events that are read from a cluster. A cluster stores them for an
// hour by default.
const (
	eventPage  = 500
	eventPages = 10
)

// clusterEvent is an event in a namespace.
type clusterEvent struct {
	Type, Reason, Message string
	Count                 int
	Metadata              meta
	InvolvedObject        struct{ Kind, Name string }
	FirstTimestamp        time.Time
	LastTimestamp         time.Time
	EventTime             time.Time
}

func (e clusterEvent) time() time.Time {
	for _, t := range []time.Time{e.LastTimestamp, e.EventTime, e.FirstTimestamp} {
		if !t.IsZero() {
			return t.UTC()
		}
	}
	return e.Metadata.CreationTimestamp.UTC()
}

// Events returns what a cluster recorded about a Deployment since a time: the
// releases from its ReplicaSets, the runs of its release commands, the ends of its
// pods, and the warnings and certificates of its namespace.
func Events(ctx context.Context, stack *operate.Stack, kubeconfig, namespace, name string, since time.Time) ([]event.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	c, err := newClient(kubeconfig)
	if err != nil {
		return nil, err
	}
	var d deployment
	if err := c.get(ctx, "/apis/apps/v1/namespaces/"+namespace+"/deployments/"+name, nil, &d); err != nil {
		return nil, err
	}
	var all []event.Event
	add := func(e event.Event) {
		if !e.Time.IsZero() && !e.Time.Before(since) {
			e.Stack = stack.Project + "/" + stack.Name
			e.Instance, e.Text = operate.Plain(e.Instance), operate.Plain(e.Text)
			all = append(all, e)
		}
	}
	var sets struct{ Items []replicaSet }
	if err := c.get(ctx, "/apis/apps/v1/namespaces/"+namespace+"/replicasets", selecting(&d), &sets); err != nil {
		return nil, err
	}
	for _, set := range sets.Items {
		id, _ := service.ReleaseOfImage(set.image())
		add(event.Event{Time: set.Metadata.CreationTimestamp.UTC(), Kind: event.Release, Release: id, Instance: set.Metadata.Name})
	}
	var pods struct{ Items []pod }
	if err := c.get(ctx, "/api/v1/namespaces/"+namespace+"/pods", selecting(&d), &pods); err != nil {
		return all, err
	}
	for _, p := range pods.Items {
		for _, container := range p.Status.ContainerStatuses {
			if t := container.LastState.Terminated; t != nil {
				add(event.Event{Time: t.FinishedAt.UTC(), Kind: event.Incident, Instance: p.Metadata.Name, Text: "ended: " + ending(t)})
			}
		}
	}
	var runs []operate.CommandRun
	var runsErr error
	if stack.Spec.ReleaseCommand.Set() {
		runs, runsErr = c.releaseRuns(ctx, namespace, name)
	}
	ran := map[string]bool{}
	for _, run := range runs {
		add(eventOf(run))
		ran[run.Instance] = true
	}
	list, err := c.namespaceEvents(ctx, namespace)
	err = errors.Join(runsErr, err)
	stopped := stops(list)
	for _, e := range list {
		if when, ok := stopped[e.InvolvedObject.Name]; ok && e.Reason == "Unhealthy" && !e.time().Before(when) {
			continue
		}
		kind := event.Incident
		switch {
		case slices.Contains([]string{"Certificate", "CertificateRequest", "Order", "Challenge"}, e.InvolvedObject.Kind):
			if kind = event.Certificate; e.Type == "Normal" && e.Reason != "Issuing" {
				continue
			}
		case e.Type != "Warning", e.InvolvedObject.Kind == "Job" && ran[e.InvolvedObject.Name]:
			continue
		}
		add(event.Event{Time: e.time(), Kind: kind, Instance: e.InvolvedObject.Name, Text: e.Reason + ": " + e.Message})
	}
	slices.SortStableFunc(all, func(a, b event.Event) int { return a.Time.Compare(b.Time) })
	return all, err
}

// stops returns the times at which kubelets began to stop pods. A kubelet asks a pod
// that it stops for its readiness until the end (Kubernetes, pkg/kubelet/prober,
// worker.doProbe), so each release and restart has such warnings, which mean nothing.
// A container that a liveness probe ends is "Killing" too, with another message.
func stops(list []clusterEvent) map[string]time.Time {
	all := map[string]time.Time{}
	for _, e := range list {
		if e.InvolvedObject.Kind == "Pod" && e.Reason == "Killing" && strings.HasPrefix(e.Message, "Stopping container") {
			all[e.InvolvedObject.Name] = e.time()
		}
	}
	return all
}

// namespaceEvents returns a namespace's events, at most eventPages pages.
func (c *client) namespaceEvents(ctx context.Context, namespace string) ([]clusterEvent, error) {
	var all []clusterEvent
	query := url.Values{"limit": {"500"}}
	for range eventPages {
		var page struct {
			Metadata struct{ Continue string }
			Items    []clusterEvent
		}
		if err := c.get(ctx, "/api/v1/namespaces/"+namespace+"/events", query, &page); err != nil {
			return all, err
		}
		all = append(all, page.Items[:min(len(page.Items), eventPage)]...)
		if page.Metadata.Continue == "" {
			break
		}
		query.Set("continue", page.Metadata.Continue)
	}
	return all, nil
}
