package dodoks

import (
	"context"
	"fmt"
	"time"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	// upgradeTimeout limits the wait for an upgrade, in which nodes are replaced one
	// by one.
	upgradeTimeout = time.Hour
	// upgradeBegins is the time within which DigitalOcean begins an upgrade that it
	// has accepted.
	upgradeBegins = 15 * time.Minute
)

// upgraded returns the endpoint of the cluster's API once this update's upgrade is
// done. The provider only sends the request. During the upgrade the API does not
// answer for minutes, and DigitalOcean refuses the next upgrade.
func (d deployment) upgraded(cluster *digitalocean.KubernetesCluster) pulumi.StringOutput {
	if !d.lookup.upgrades || d.Ctx.DryRun() {
		return cluster.Endpoint
	}
	return pulumi.All(cluster.Name, cluster.Endpoint, cluster.ID()).ApplyTWithContext(d.Ctx.Context(), func(ctx context.Context, v []any) (string, error) {
		return v[1].(string), d.awaitUpgrade(ctx, v[0].(string))
	}).(pulumi.StringOutput)
}

func (d deployment) awaitUpgrade(ctx context.Context, name string) error {
	return upgrade{
		cluster: name, wanted: d.lookup.version,
		read: func() (string, string, error) {
			now, err := digitalocean.LookupKubernetesCluster(d.Ctx, &digitalocean.LookupKubernetesClusterArgs{Name: name}, pulumi.Provider(d.Provider))
			if err != nil {
				return "", "", err
			}
			return now.Status, now.Version, nil
		},
		report: func(status string) {
			// A progress line that cannot be shown must not fail the update.
			_ = d.Ctx.Log.Info("waiting: "+status, &pulumi.LogArgs{Resource: d.Component, Ephemeral: true})
		},
	}.wait(ctx)
}

// statusRunning is the status of a cluster without an upgrade in progress.
const statusRunning = "running"

// upgrade is a cluster's upgrade to a version.
type upgrade struct {
	cluster, wanted string
	// read returns the cluster's status and version. report shows the reason for the
	// wait.
	read   func() (status, version string, err error)
	report func(string)
}

// wait returns once the cluster runs the version.
//
// After an upgrade that DigitalOcean refused, the state has the new version all the
// same, so the provider does not request it again. wait then returns an error once
// upgradeBegins has passed.
func (u upgrade) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, upgradeTimeout)
	defer cancel()
	begins := time.NewTimer(upgradeBegins)
	defer begins.Stop()
	reported, started := "", false
	for pause := time.Second; ; pause = min(2*pause, 15*time.Second) {
		now, version, err := u.read()
		status := fmt.Sprintf("cluster %s cannot be looked up: %v", u.cluster, err)
		if err == nil {
			status = fmt.Sprintf("cluster %s is %s, with version %s instead of %s", u.cluster, now, version, u.wanted)
			if now == statusRunning && version == u.wanted {
				return nil
			}
			started = started || now != statusRunning
		}
		if status != reported {
			u.report(status)
			reported = status
		}
		select {
		case <-begins.C:
			if !started {
				return fmt.Errorf("DigitalOcean has not begun the upgrade within %s: %s; the state may have an upgrade that was refused: run `pulumi refresh`, then update again", upgradeBegins, status)
			}
		case <-ctx.Done():
			return fmt.Errorf("waiting for the upgrade of the cluster: %s: %w", status, ctx.Err())
		case <-time.After(pause):
		}
	}
}
