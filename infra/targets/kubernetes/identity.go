package kubernetes

import (
	"context"

	"escala/infra/deploy"
	"escala/service"
)

// clusterOutput is the stack output with the cluster's id.
const clusterOutput = "cluster"

// identify returns the id of the cluster that the kubeconfig reaches. It reports a
// violation if the stack is on another cluster. Otherwise Pulumi would create
// everything on this cluster and delete it on the other one, although perhaps only
// kubectl's current context changed.
func (t *Kubernetes) identify(ctx context.Context, c cluster, r deploy.Request) (string, error) {
	if r.Offline {
		return c.context, nil
	}
	var v service.Violations
	id, err := t.clusterID(ctx, c.kubeconfig)
	if err != nil {
		v.Add(section+".context", "the cluster of context %q cannot be identified: %s", c.context, err)
		return "", v
	}
	before, _ := r.Outputs[clusterOutput].(string)
	wanted, source := before, "the last update was to"
	if t.settings.Cluster != "" {
		wanted, source = t.settings.Cluster, "kubernetes.cluster is"
	}
	if wanted != "" && wanted != id {
		v.Add(section+".context", "%q leads to cluster %s, but %s %s; choose another context, or move the service there, and delete it where it is, with %s",
			c.context, id, source, wanted, "kubernetes.cluster: "+id)
	}
	return id, v.Err()
}
