package awseks

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/kubeconfig"
)

// keyDays is the number of days in which the key can be restored after a destroy.
// It is the shortest time that AWS allows: everything that the key encrypts is gone
// by then.
const keyDays = 7

func (d deployment) cluster(unique pulumi.StringOutput, net network, r roles) (*eks.Cluster, error) {
	// The name is set here, since the log group must exist before the cluster.
	name := pulumi.Sprintf("%s-%s", d.label(), unique)
	logs, err := d.logs(name)
	if err != nil {
		return nil, err
	}
	key, err := kms.NewKey(d.Ctx, d.Name("secrets"), &kms.KeyArgs{
		Description:          pulumi.Sprintf("Secrets in the cluster of stack %s", d.Ctx.Stack()),
		EnableKeyRotation:    pulumi.Bool(true),
		DeletionWindowInDays: pulumi.Int(keyDays),
		Tags:                 d.NameTag("secrets", nil),
	}, d.Options()...)
	if err != nil {
		return nil, fmt.Errorf("registering the key of the cluster's secrets: %w", err)
	}
	yes := pulumi.Bool(true)
	needed := append(append([]pulumi.Resource{logs}, r.granted...), net.online...)
	cluster, err := eks.NewCluster(d.Ctx, d.Name("cluster"), &eks.ClusterArgs{
		Name:    name,
		Version: pulumi.String(d.lookup.version),
		RoleArn: r.cluster.Arn,
		AccessConfig: &eks.ClusterAccessConfigArgs{
			AuthenticationMode: pulumi.String("API"),
			// Otherwise the principal that created the cluster would stay its
			// administrator for ever, without a visible entry. Only access entries
			// give access.
			BootstrapClusterCreatorAdminPermissions: pulumi.Bool(false),
		},
		// Auto Mode needs these three settings together, and includes its own
		// add-ons.
		ComputeConfig: &eks.ClusterComputeConfigArgs{
			Enabled:     yes,
			NodePools:   pulumi.ToStringArray([]string{"general-purpose", "system"}),
			NodeRoleArn: r.nodes.Arn,
		},
		KubernetesNetworkConfig: &eks.ClusterKubernetesNetworkConfigArgs{
			ElasticLoadBalancing: &eks.ClusterKubernetesNetworkConfigElasticLoadBalancingArgs{Enabled: yes},
		},
		StorageConfig: &eks.ClusterStorageConfigArgs{
			BlockStorage: &eks.ClusterStorageConfigBlockStorageArgs{Enabled: yes},
		},
		BootstrapSelfManagedAddons: pulumi.Bool(false),
		EncryptionConfig: &eks.ClusterEncryptionConfigArgs{
			Provider:  &eks.ClusterEncryptionConfigProviderArgs{KeyArn: key.Arn},
			Resources: pulumi.ToStringArray([]string{"secrets"}),
		},
		EnabledClusterLogTypes: pulumi.ToStringArray(d.settings.Logs),
		// At the end of its support, EKS upgrades the version. Extended support would
		// cost six times as much.
		UpgradePolicy: &eks.ClusterUpgradePolicyArgs{SupportType: pulumi.String("STANDARD")},
		VpcConfig: &eks.ClusterVpcConfigArgs{
			SubnetIds:             net.nodes,
			EndpointPrivateAccess: yes,
			EndpointPublicAccess:  yes,
			PublicAccessCidrs:     pulumi.ToStringArray(d.settings.EndpointCIDRs),
		},
	}, append(d.Options(pulumi.DependsOn(needed),
		// A replacement cluster serves before the old one is deleted. If both had the
		// same name, the update would fail and nothing would be deleted.
		pulumi.DeleteBeforeReplace(false)), d.lookup.clusterOptions...)...)
	if err != nil {
		return nil, fmt.Errorf("registering the cluster: %w", err)
	}
	return cluster, nil
}

// logs registers the log group of the control plane. If EKS created the group, it
// would keep the logs for ever and leave the group behind.
func (d deployment) logs(cluster pulumi.StringInput) (*cloudwatch.LogGroup, error) {
	group, err := cloudwatch.NewLogGroup(d.Ctx, d.Name("control-plane"), &cloudwatch.LogGroupArgs{
		Name:            pulumi.Sprintf("/aws/eks/%s/cluster", cluster),
		RetentionInDays: pulumi.Int(d.settings.LogDays),
		// A cluster creates its group again if the group is missing, and that one
		// would stay for ever. So the group of a replaced cluster is deleted after
		// the cluster.
	}, d.Options(pulumi.DeleteBeforeReplace(false))...)
	if err != nil {
		return nil, fmt.Errorf("registering the control plane's logs: %w", err)
	}
	return group, nil
}

// kubeconfig returns a kubeconfig that works for every principal with an access
// entry. The AWS CLI signs with the credentials of the computer that it runs on.
func (d deployment) kubeconfig(cluster *eks.Cluster) pulumi.StringOutput {
	region := d.settings.Region
	return pulumi.All(cluster.Name, cluster.Endpoint, cluster.CertificateAuthority.Data()).ApplyT(func(v []any) (string, error) {
		name := v[0].(string)
		ca, _ := v[2].(*string)
		if ca == nil {
			return "", fmt.Errorf("EKS returned no certificate authority for cluster %s", name)
		}
		return written(region, name, v[1].(string), *ca)
	}).(pulumi.StringOutput)
}

// written returns the kubeconfig of a cluster. ca is in base64.
func written(region, name, endpoint, ca string) (string, error) {
	return kubeconfig.Write(kubeconfig.Cluster{
		Name:    name,
		Server:  endpoint,
		CA:      ca,
		Command: "aws",
		Args:    []string{"--region", region, "eks", "get-token", "--cluster-name", name, "--output", "json"},
		Hint:    "install the AWS CLI, version 2",
	})
}
