package kubernetes

import (
	"context"
	"fmt"
	"time"

	"escala/infra/deploy"
	"escala/infra/operate"
	"escala/infra/operate/pods"
	"escala/infra/targets/kubernetes/rollout"
	"escala/service/event"
)

var (
	_ operate.StatusReporter = (*Kubernetes)(nil)
	_ operate.Eventer        = (*Kubernetes)(nil)
)

// Status reads the status from the cluster's API.
func (t *Kubernetes) Status(ctx context.Context, s *operate.Stack) (operate.Status, error) {
	config, err := t.kubeconfigOf(ctx, s)
	if err != nil {
		return operate.Status{}, err
	}
	return Status(ctx, s, config), nil
}

// Events returns the events that the cluster recorded.
func (t *Kubernetes) Events(ctx context.Context, s *operate.Stack, since time.Time) ([]event.Event, error) {
	config, err := t.kubeconfigOf(ctx, s)
	if err != nil {
		return nil, err
	}
	return Events(ctx, s, config, since)
}

// kubeconfigOf returns the kubeconfig of the stack's context. It returns an error
// if the context leads to another cluster than the stack's.
func (t *Kubernetes) kubeconfigOf(ctx context.Context, s *operate.Stack) (string, error) {
	c, err := t.settings.cluster(deploy.Request{State: s.State})
	if err != nil {
		return "", fmt.Errorf("kubernetes.context: %w", err)
	}
	id, err := t.clusterID(ctx, c.kubeconfig)
	if err != nil {
		return "", fmt.Errorf("the cluster of context %q cannot be identified: %w", c.context, err)
	}
	if last := s.Text(clusterOutput); last != "" && last != id {
		return "", fmt.Errorf("kubernetes.context: %q leads to cluster %s, but the stack is on %s", c.context, id, last)
	}
	return c.kubeconfig, nil
}

// Status returns the status of a stack's workload on a cluster.
func Status(ctx context.Context, s *operate.Stack, kubeconfig string) operate.Status {
	namespace, name, ok := pods.DeploymentOf(s)
	if !ok {
		status := operate.Begin(s, time.Now())
		status.Pods = &operate.Pods{}
		status.Problem("the last update made no Deployment of the service")
		status.End()
		return status
	}
	return rollout.Status(ctx, s, kubeconfig, namespace, name, dependencies(s.Spec)...)
}

// Events returns the events that a cluster recorded about a stack's workload.
func Events(ctx context.Context, s *operate.Stack, kubeconfig string, since time.Time) ([]event.Event, error) {
	namespace, name, ok := pods.DeploymentOf(s)
	if !ok {
		return nil, nil
	}
	return rollout.Events(ctx, s, kubeconfig, namespace, name, since)
}
