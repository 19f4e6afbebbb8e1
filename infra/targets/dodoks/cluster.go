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
	// The nodes and load balancers of a deleted cluster leave the VPC minutes later.
	// Until then DigitalOcean refuses a second VPC with the range of the first.
	name, renamed := d.StableName("network")
	vpc, err := d.settings.vpc().Register(d.Ctx, name, "30m", d.Options(renamed)...)
	if err != nil {
		return nil, err
	}
	// Clusters of two clones need different names.
	unique, err := d.RandomHex("cluster", 4, nil)
	if err != nil {
		return nil, fmt.Errorf("registering the cluster's name: %w", err)
	}
	options := d.Options(
		pulumi.DependsOn(images.resources),
		// look refuses every change that makes DigitalOcean replace the cluster. If a
		// change gets past it, the new cluster's name is taken and the update fails.
		// The cluster that serves is not deleted.
		pulumi.DeleteBeforeReplace(false),
		// It contains a token, which the program does not use.
		pulumi.AdditionalSecretOutputs([]string{"kubeConfigs"}),
	)
	if d.lookup.keepsVersion {
		options = append(options, pulumi.IgnoreChanges([]string{"version"}))
	}
	tags := pulumi.ToStringArray(append([]string{d.Label(50)}, d.settings.Tags...))
	yes := pulumi.Bool(true)
	cluster, err := digitalocean.NewKubernetesCluster(d.Ctx, d.Name("cluster"), &digitalocean.KubernetesClusterArgs{
		Name:    pulumi.Sprintf("%s-%s", d.Label(50), unique),
		Region:  pulumi.String(d.settings.Region),
		VpcUuid: vpc,
		Version: pulumi.String(d.lookup.version),
		// HA is set even if it is false. Otherwise DigitalOcean turns it on from
		// version 1.36, which costs money and cannot be turned off.
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
		// The service's pods have their own login.
		RegistryIntegration: pulumi.Bool(false),
		// A destroy first deletes the objects on the cluster, including the load
		// balancer. This option also deletes what was made there by hand.
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

// kubeconfigOf returns a kubeconfig that gets its token from doctl. The user must
// be logged in to doctl or set DIGITALOCEAN_ACCESS_TOKEN.
func kubeconfigOf(cluster *digitalocean.KubernetesCluster, endpoint pulumi.StringOutput) pulumi.StringOutput {
	login := pulumi.All(cluster.ID(), cluster.Name, endpoint, cluster.KubeConfigs).ApplyT(func(v []any) (string, error) {
		configs := v[3].([]digitalocean.KubernetesClusterKubeConfig)
		if len(configs) == 0 || configs[0].ClusterCaCertificate == nil {
			return "", errors.New("DigitalOcean returned no certificate authority for the cluster")
		}
		return written(string(v[0].(pulumi.ID)), v[1].(string), v[2].(string), *configs[0].ClusterCaCertificate)
	}).(pulumi.StringOutput)
	// One input contains a token, but the result does not.
	return pulumi.Unsecret(login).(pulumi.StringOutput)
}

// kubernetes registers the provider of the objects on the cluster.
func (d deployment) kubernetes(cluster *digitalocean.KubernetesCluster, config pulumi.StringInput) (*k8s.Provider, error) {
	return kubernetes.NewProvider(d.Ctx, d.Name("kubernetes"), cluster.ID().ToStringOutput(), &k8s.ProviderArgs{
		Kubeconfig:            config.ToStringOutput().ToStringPtrOutput(),
		EnableServerSideApply: pulumi.Bool(true),
	}, pulumi.Parent(d.Component))
}

// written returns the kubeconfig of a cluster. ca is in base64.
func written(id, name, endpoint, ca string) (string, error) {
	return kubeconfig.Write(kubeconfig.Cluster{
		Name:    name,
		Server:  endpoint,
		CA:      ca,
		Command: "doctl",
		Args:    []string{"kubernetes", "cluster", "kubeconfig", "exec-credential", "--version=v1beta1", id},
		Hint:    "install doctl",
	})
}
