package awseks

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// metricsServer measures pods, for the autoscaler. It is the one add-on that
// Auto Mode does not bring. EKS picks the version that fits the cluster.
func (d deployment) metricsServer(cluster *eks.Cluster) (*eks.Addon, error) {
	addon, err := eks.NewAddon(d.Ctx, d.Name("metrics-server"), &eks.AddonArgs{
		ClusterName:              cluster.Name,
		AddonName:                pulumi.String("metrics-server"),
		ResolveConflictsOnCreate: pulumi.String("OVERWRITE"),
		ResolveConflictsOnUpdate: pulumi.String("OVERWRITE"),
	}, d.Options()...)
	if err != nil {
		return nil, fmt.Errorf("registering the metrics server: %w", err)
	}
	return addon, nil
}
