package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"escala/infra/testing/kube"
)

// drainTimeout is the limit for all pods of a node.
const drainTimeout = 5 * time.Minute

// Drain evicts the service's pods from a node as kubectl drain does. It
// requests all evictions at once and repeats those that the disruption budget
// refuses. It returns the budget's refusals, and ends when as many pods serve
// as before. In a cluster with a single node, the new pods start on the same
// node.
func (s *System) Drain(ctx context.Context) (refusals []string, err error) {
	before, err := s.client.workers(ctx, serviceLabels)
	if err != nil {
		return nil, err
	}
	there := serving(before)
	if len(there) == 0 {
		return nil, errors.New("there is no pod to drain")
	}
	// The node with the most pods, so that the budget has something to refuse.
	on := map[string]int{}
	for _, p := range there {
		on[p.node]++
	}
	node := slices.MaxFunc(there, func(a, b pod) int { return on[a.node] - on[b.node] }).node
	all, err := s.client.dynamic.Resource(kube.Nodes).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing nodes: %w", err)
	}
	if len(all.Items) > 1 {
		if err := s.client.cordon(ctx, node, true); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.client.cordon(context.WithoutCancel(ctx), node, false)) }()
	}
	leaving := map[string]bool{}
	for _, p := range there {
		if p.node == node {
			leaving[p.name] = true
		}
	}
	err = await(ctx, drainTimeout, func() (string, error) {
		for name := range leaving {
			refused, err := s.client.evict(ctx, name)
			if err != nil {
				return "", err
			}
			if refused == "" {
				delete(leaving, name)
				continue
			}
			refusals = append(refusals, refused)
		}
		if len(leaving) > 0 {
			return fmt.Sprintf("%d pods of node %s may not leave it", len(leaving), node), nil
		}
		now, err := s.client.workers(ctx, serviceLabels)
		if err != nil {
			return "", err
		}
		if up := len(serving(now)); up < len(there) || len(now) > up {
			return fmt.Sprintf("%d of %d pods serve, of %d", up, len(there), len(now)), nil
		}
		return "", nil
	})
	return refusals, err
}
