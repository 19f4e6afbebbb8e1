package awseks

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/gate"
)

// metricsServer registers the metrics server, which measures pods for the
// autoscaler. It is the only add-on that Auto Mode does not include. EKS chooses
// the version that fits the cluster.
//
// The add-on is registered once the service serves. Auto Mode creates a node only
// for a waiting pod, and without nodes EKS reports an add-on as DEGRADED until it
// gives up.
func (d deployment) metricsServer(cluster *eks.Cluster, served pulumi.StringOutput) error {
	_, err := eks.NewAddon(d.Ctx, d.Name("metrics-server"), &eks.AddonArgs{
		ClusterName:              gate.After(cluster.Name, served),
		AddonName:                pulumi.String("metrics-server"),
		ResolveConflictsOnCreate: pulumi.String("OVERWRITE"),
		ResolveConflictsOnUpdate: pulumi.String("OVERWRITE"),
	}, d.Options(
		// EKS checks the nodes only at its own intervals.
		pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "40m"}),
	)...)
	if err != nil {
		return fmt.Errorf("registering the metrics server: %w", err)
	}
	return nil
}
