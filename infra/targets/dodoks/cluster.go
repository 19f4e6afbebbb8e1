package dodoks

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	k8s "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/kubeconfig"
	"escala/infra/targets/kubernetes"
)

func (d deployment) cluster(images registry) (*digitalocean.KubernetesCluster, error) {
	// A deleted cluster's workers and load balancers leave it minutes later.
	vpc, err := d.settings.vpc().Register(d.Ctx, d.Name("network"), "30m", d.Options()...)
	if err != nil {
		return nil, err
	}
	// Clusters of two clones must not have the same name.
	unique, err := d.RandomHex("cluster", 4)
	if err != nil {
		return nil, fmt.Errorf("registering the cluster's name: %w", err)
	}
	options := d.Options(
		pulumi.DependsOn(images.made),
		// look refuses every change that DigitalOcean makes another cluster for. If
		// one gets past it, the new cluster's name is taken, and the update fails,
		// instead of deleting the cluster that serves.
		pulumi.DeleteBeforeReplace(false),
		// It holds a token, which nobody here uses.
		pulumi.AdditionalSecretOutputs([]string{"kubeConfigs"}),
	)
	if d.found.stays {
		options = append(options, pulumi.IgnoreChanges([]string{"version"}))
	}
	tags := pulumi.ToStringArray(append([]string{d.Label(50)}, d.settings.Tags...))
	yes := pulumi.Bool(true)
	cluster, err := digitalocean.NewKubernetesCluster(d.Ctx, d.Name("cluster"), &digitalocean.KubernetesClusterArgs{
		Name:    pulumi.Sprintf("%s-%s", d.Label(50), unique),
		Region:  pulumi.String(d.settings.Region),
		VpcUuid: vpc,
		Version: pulumi.String(d.found.version),
		// Said either way: unsaid, it is on from 1.36 on, costs, and cannot be taken
		// back.
		Ha:           pulumi.Bool(d.settings.HA),
		AutoUpgrade:  yes,
		SurgeUpgrade: yes,
		MaintenancePolicy: &digitalocean.KubernetesClusterMaintenancePolicyArgs{
			Day:       pulumi.String(d.settings.MaintenanceDay),
			StartTime: pulumi.String(d.settings.MaintenanceStart),
		},
		NodePool: &digitalocean.KubernetesClusterNodePoolArgs{
			Name:      pulumi.String(poolName),
			Size:      pulumi.String(d.settings.Size),
			AutoScale: yes,
			MinNodes:  pulumi.Int(d.settings.MinNodes),
			MaxNodes:  pulumi.Int(d.settings.MaxNodes),
			Tags:      tags,
		},
		// The service's pods have a login of their own.
		RegistryIntegration: pulumi.Bool(false),
		// What is on the cluster goes before it, load balancer included. This is
		// for what was made there by hand.
		DestroyAllAssociatedResources: yes,
		Tags:                          tags,
	}, options...)
	if err != nil {
		return nil, fmt.Errorf("registering the cluster: %w", err)
	}
	return cluster, nil
}

// poolName is the name of the cluster's own node pool.
const poolName = "nodes"

// kubeconfigOf lets in who is logged in to doctl, or has DIGITALOCEAN_ACCESS_TOKEN
// in the environment.
func kubeconfigOf(cluster *digitalocean.KubernetesCluster, endpoint pulumi.StringOutput) pulumi.StringOutput {
	written := pulumi.All(cluster.ID(), cluster.Name, endpoint, cluster.KubeConfigs).ApplyT(func(v []any) (string, error) {
		configs := v[3].([]digitalocean.KubernetesClusterKubeConfig)
		if len(configs) == 0 || configs[0].ClusterCaCertificate == nil {
			return "", errors.New("DigitalOcean returned no certificate authority for the cluster")
		}
		id := string(v[0].(pulumi.ID))
		return kubeconfig.Write(kubeconfig.Cluster{
			Name:    v[1].(string),
			Server:  v[2].(string),
			CA:      *configs[0].ClusterCaCertificate,
			Command: "doctl",
			Args:    []string{"kubernetes", "cluster", "kubeconfig", "exec-credential", "--version=v1beta1", id},
			Hint:    "install doctl",
		})
	}).(pulumi.StringOutput)
	// It is made of what has a token, and has none.
	return pulumi.Unsecret(written).(pulumi.StringOutput)
}

// kubernetes is the provider of what runs on the cluster.
func (d deployment) kubernetes(cluster *digitalocean.KubernetesCluster, config pulumi.StringInput) (*k8s.Provider, error) {
	return kubernetes.NewProvider(d.Ctx, d.Name("kubernetes"), cluster.ID().ToStringOutput(), &k8s.ProviderArgs{
		Kubeconfig:            config.ToStringOutput().ToStringPtrOutput(),
		EnableServerSideApply: pulumi.Bool(true),
	}, pulumi.Parent(d.Component))
}
