package dodoks

import (
	"context"
	"time"

	"escala/infra/operate"
	"escala/infra/targets/kubernetes"
	"escala/service/event"
)

var (
	_ operate.StatusReporter = (*DOKS)(nil)
	_ operate.Eventer        = (*DOKS)(nil)
)

// Status reads the status from the cluster's API.
func (*DOKS) Status(ctx context.Context, s *operate.Stack) (operate.Status, error) {
	config, err := kubeconfigFrom(s)
	if err != nil {
		return operate.Status{}, err
	}
	return kubernetes.Status(ctx, s, config), nil
}

// Events returns the events that the cluster recorded.
func (*DOKS) Events(ctx context.Context, s *operate.Stack, since time.Time) ([]event.Event, error) {
	config, err := kubeconfigFrom(s)
	if err != nil {
		return nil, err
	}
	return kubernetes.Events(ctx, s, config, since)
}

// kubeconfigFrom returns a kubeconfig for the cluster in the stack's state.
func kubeconfigFrom(s *operate.Stack) (string, error) {
	clusters := s.OfType("digitalocean:index/kubernetesCluster:KubernetesCluster")
	if len(clusters) == 0 {
		return "", operate.ErrNothing
	}
	r := clusters[0]
	ca := ""
	if configs, _ := r.Outputs["kubeConfigs"].([]any); len(configs) > 0 {
		config, _ := configs[0].(map[string]any)
		ca, _ = config["clusterCaCertificate"].(string)
	}
	return written(r.ID, r.Text("name"), r.Text("endpoint"), ca)
}
