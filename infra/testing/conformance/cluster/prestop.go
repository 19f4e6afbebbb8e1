package cluster

import (
	"context"
	"fmt"
	"time"

	"escala/infra/testing/kube"
)

// rolloutTimeout is the limit of a rollout that is not caused by a release.
const rolloutTimeout = 3 * time.Minute

// WithoutPreStop removes the preStop hook from the Deployment without the
// program's knowledge. The hook keeps a pod serving while load balancers learn
// that it ends. undo updates the stack, which restores the hook. WithoutPreStop
// proves that the suite detects the failures that the hook prevents.
func (s *System) WithoutPreStop(ctx context.Context) (undo func(context.Context) error, err error) {
	err = s.client.patch(ctx, map[string]any{
		"spec": map[string]any{"template": map[string]any{"spec": map[string]any{
			"containers": []any{map[string]any{"name": name, "lifecycle": nil}},
		}}},
	})
	if err != nil {
		return nil, err
	}
	return s.up, s.rolled(ctx)
}

// Restart replaces all pods, as kubectl rollout restart does.
func (s *System) Restart(ctx context.Context) error {
	err := s.client.patch(ctx, map[string]any{
		"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{
			"annotations": map[string]any{"kubectl.kubernetes.io/restartedAt": time.Now().Format(time.RFC3339Nano)},
		}}},
	})
	if err != nil {
		return err
	}
	return s.rolled(ctx)
}

// rolled waits until all pods match the Deployment and no other pod is left.
func (s *System) rolled(ctx context.Context) error {
	return await(ctx, rolloutTimeout, func() (string, error) {
		d, err := s.client.get(ctx, kube.Deployments)
		if err != nil {
			return "", err
		}
		want := number(d, "spec", "replicas")
		updated, all := number(d, "status", "updatedReplicas"), number(d, "status", "replicas")
		available := number(d, "status", "availableReplicas")
		now, err := s.client.workers(ctx, serviceLabels)
		if err != nil {
			return "", err
		}
		if int64(number(d, "status", "observedGeneration")) < d.GetGeneration() || updated != want || all != want || available != want || len(now) != want {
			return fmt.Sprintf("%d of %d pods are new, %d serve, %d are there", updated, want, available, len(now)), nil
		}
		return "", nil
	})
}
