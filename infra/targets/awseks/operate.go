package awseks

import (
	"context"
	"time"

	"escala/infra/operate"
	"escala/infra/targets/kubernetes"
	"escala/service/event"
)

var (
	_ operate.StatusReporter = (*EKS)(nil)
	_ operate.Eventer        = (*EKS)(nil)
)

// Status reads the status from the cluster's API.
func (t *EKS) Status(ctx context.Context, s *operate.Stack) (operate.Status, error) {
	config, err := t.kubeconfigOf(s)
	if err != nil {
		return operate.Status{}, err
	}
	return kubernetes.Status(ctx, s, config), nil
}

// Events returns the events that the cluster recorded.
func (t *EKS) Events(ctx context.Context, s *operate.Stack, since time.Time) ([]event.Event, error) {
	config, err := t.kubeconfigOf(s)
	if err != nil {
		return nil, err
	}
	return kubernetes.Events(ctx, s, config, since)
}

// kubeconfigOf returns a kubeconfig for the cluster in the stack's state.
func (t *EKS) kubeconfigOf(s *operate.Stack) (string, error) {
	clusters := s.OfType("aws:eks/cluster:Cluster")
	if len(clusters) == 0 {
		return "", operate.ErrNothing
	}
	r := clusters[0]
	authority, _ := r.Outputs["certificateAuthority"].(map[string]any)
	ca, _ := authority["data"].(string)
	return written(t.settings.Region, r.Text("name"), r.Text("endpoint"), ca)
}
