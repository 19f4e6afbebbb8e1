package cluster

import (
	"context"
	"fmt"
	"time"

	"escala/infra/testing/kube"
)

// ScaleAt updates the stack so that the autoscaler adds pods above this CPU
// usage, in percent of the requested CPU.
func (s *System) ScaleAt(ctx context.Context, percent int) error {
	s.service()["scale"].(map[string]any)["cpu"] = percent
	return s.up(ctx)
}

// Pods returns the number of pods that the autoscaler wants.
func (s *System) Pods(ctx context.Context) (int, error) {
	hpa, err := s.client.get(ctx, kube.Autoscalers)
	if err != nil {
		return 0, err
	}
	return number(hpa, "status", "desiredReplicas"), nil
}

// AwaitPods waits until the autoscaler wants a number of pods that enough
// accepts, and as many pods serve.
func (s *System) AwaitPods(ctx context.Context, within time.Duration, enough func(int) bool) (int, error) {
	seen := 0
	err := await(ctx, within, func() (string, error) {
		want, err := s.Pods(ctx)
		if err != nil {
			return "", err
		}
		all, err := s.client.workers(ctx, serviceLabels)
		if err != nil {
			return "", err
		}
		seen = len(serving(all))
		if !enough(want) || seen != want || len(all) != want {
			return fmt.Sprintf("the autoscaler wants %d pods, %d of %d serve", want, seen, len(all)), nil
		}
		return "", nil
	})
	return seen, err
}
