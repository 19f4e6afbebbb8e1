package dodoks

import (
	"context"
	"fmt"
	"time"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// upgradeTimeout limits the wait for an upgrade: nodes are replaced one by one.
const upgradeTimeout = time.Hour

// upgraded returns the endpoint of the cluster's API, once the upgrade of this
// update is done. The provider only sends the request. Meanwhile the API does
// not answer for minutes, and DigitalOcean refuses the next upgrade.
func (d deployment) upgraded(cluster *digitalocean.KubernetesCluster) pulumi.StringOutput {
	if !d.lookup.upgrades || d.Ctx.DryRun() {
		return cluster.Endpoint
	}
	return pulumi.All(cluster.Name, cluster.Endpoint, cluster.ID()).ApplyTWithContext(d.Ctx.Context(), func(ctx context.Context, v []any) (string, error) {
		return v[1].(string), d.awaitUpgrade(ctx, v[0].(string))
	}).(pulumi.StringOutput)
}

func (d deployment) awaitUpgrade(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, upgradeTimeout)
	defer cancel()
	said := ""
	for pause := time.Second; ; pause = min(2*pause, 15*time.Second) {
		now, err := digitalocean.LookupKubernetesCluster(d.Ctx, &digitalocean.LookupKubernetesClusterArgs{Name: name}, pulumi.Provider(d.Provider))
		status := fmt.Sprintf("cluster %s cannot be looked up: %v", name, err)
		if err == nil {
			status = fmt.Sprintf("cluster %s is %s, with version %s instead of %s", name, now.Status, now.Version, d.lookup.version)
			if now.Status == "running" && now.Version == d.lookup.version {
				return nil
			}
		}
		if status != said {
			// A progress line that cannot be shown must not fail the update.
			_ = d.Ctx.Log.Info("waiting: "+status, &pulumi.LogArgs{Resource: d.Component, Ephemeral: true})
			said = status
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the upgrade of the cluster: %s: %w", status, ctx.Err())
		case <-time.After(pause):
		}
	}
}
