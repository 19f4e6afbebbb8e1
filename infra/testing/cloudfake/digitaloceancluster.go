package cloudfake

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"escala/infra/engine/offline"
	"escala/infra/engine/offline/clouds"
)

func (d *DigitalOcean) clusters() []Behaviour {
	return []Behaviour{
		{
			Name: "last-patch-first", Test: "TestDOKSVersions", Types: []string{doCluster},
			Does:   "Refuses the next minor version of Kubernetes unless the cluster runs the last patch of its own.",
			Source: "https://docs.digitalocean.com/products/kubernetes/how-to/upgrade-cluster/",
			Before: func(e *offline.Event) error {
				if e.Operation != offline.Update {
					return nil
				}
				before, ok := d.before(e)
				from, to := text(before.Outputs, "version"), text(e.Inputs, "version")
				if ok && minorOf(from) != minorOf(to) && from != clouds.LastPatch(minorOf(from)) {
					return fmt.Errorf("422 cluster must be upgraded to the latest patch of %s first", minorOf(from))
				}
				return nil
			},
		},
		{
			Name: "upgrade-takes-time", Test: "TestDOKSVersions", Types: []string{doCluster},
			Does:   "Upgrades a cluster minutes after it was asked to; the provider does not wait.",
			Source: "terraform-provider-digitalocean: digitalocean/kubernetes/resource_kubernetes_cluster.go",
			After:  func(e *offline.Event) bool { return e.Operation == offline.Update },
		},
	}
}

// minorOf returns "1.36" for "1.36.4-do.0".
func minorOf(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// names returns the behaviours that refuse a second resource of a name.
func (d *DigitalOcean) names() []Behaviour {
	return []Behaviour{
		{
			Name: "cluster-name-taken", Test: "TestDOKSSecondClone", Types: []string{doCluster},
			Does:   "Refuses a cluster with the name of another one.",
			Source: "assumed: the provider's data source finds a cluster by its name",
			Before: d.taken(doCluster, "422 a cluster with this name already exists"),
		},
		{
			Name: "one-registry", Test: "TestDOKSSecondClone", Types: []string{doRegistry},
			Does:   "Has one container registry for an account of the tiers starter and basic.",
			Source: "https://docs.digitalocean.com/products/container-registry/details/limits/",
			Before: func(e *offline.Event) error {
				if e.Operation == offline.Create && len(d.OfType(doRegistry)) > 0 {
					return errors.New("412 registry limit exceeded")
				}
				return nil
			},
		},
	}
}

// taken returns the behaviour that refuses a name that is taken.
func (d *DigitalOcean) taken(kind, says string) func(*offline.Event) error {
	return func(e *offline.Event) error {
		if e.Operation != offline.Create {
			return nil
		}
		if slices.ContainsFunc(d.OfType(kind), func(other offline.Event) bool { return text(other.Inputs, "name") == text(e.Inputs, "name") }) {
			return errors.New(says)
		}
		return nil
	}
}
