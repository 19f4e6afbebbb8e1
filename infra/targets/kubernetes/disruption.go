package kubernetes

import (
	"fmt"

	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// disruptionBudget lets a node drain evict one pod of the service at a time.
func (p *parts) disruptionBudget() error {
	return p.budget(p.spec.Name, "pdb", componentService)
}

// budget lets one pod of a component be evicted at a time. It never forbids all
// evictions, because a node could then not be drained. Pods that are not ready
// do not delay a drain.
func (p *parts) budget(name, part, component string) error {
	pdb, err := policyv1.NewPodDisruptionBudget(p.ctx, p.logical(part), &policyv1.PodDisruptionBudgetArgs{
		Metadata: p.meta(name, component, nil),
		Spec: &policyv1.PodDisruptionBudgetSpecArgs{
			MaxUnavailable:             pulumi.Int(1),
			Selector:                   p.choose(component),
			UnhealthyPodEvictionPolicy: pulumi.String("AlwaysAllow"),
		},
	}, p.options...)
	if err != nil {
		return fmt.Errorf("registering the disruption budget of %s: %w", name, err)
	}
	p.object(pdb)
	return nil
}
