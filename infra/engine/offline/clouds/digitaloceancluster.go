package clouds

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
)

// digitalOceanClusters holds the clusters of an offline DigitalOcean.
type digitalOceanClusters struct {
	mu sync.Mutex
	// running maps names to clusters.
	running map[string]runningCluster
	made    int
}

const digitalOceanCluster = "digitalocean:index/kubernetesCluster:KubernetesCluster"

// runningCluster is the result of a lookup of a cluster.
type runningCluster struct {
	version, region, vpc, size string
	// pendingLookups is the number of lookups that still find an upgrade of the cluster in
	// progress.
	pendingLookups int
}

// resources returns the resource types of a cluster on DigitalOcean that a
// machine does not have.
func (*digitalOceanClusters) resources() map[string]offline.Resource {
	return map[string]offline.Resource{
		digitalOceanCluster: {
			Args: &digitalocean.KubernetesClusterArgs{}, State: digitalocean.KubernetesCluster{}, Named: "name",
			ReplacesIf: map[string]offline.Condition{"version": versionLowered},
		},
		"digitalocean:index/containerRegistryDockerCredentials:ContainerRegistryDockerCredentials": {
			Args: &digitalocean.ContainerRegistryDockerCredentialsArgs{}, State: digitalocean.ContainerRegistryDockerCredentials{},
		},
		"digitalocean:index/containerRegistry:ContainerRegistry": {
			Args: &digitalocean.ContainerRegistryArgs{}, State: digitalocean.ContainerRegistry{}, Named: "name",
		},
	}
}

// recordedVersions are the available Kubernetes versions, the newest first.
var recordedVersions = []string{"1.37.1-do.0", "1.36.5-do.0", "1.36.4-do.1"}

// LastPatch returns the newest available version of a minor version, or "".
func LastPatch(minor string) string {
	for _, version := range recordedVersions {
		if strings.HasPrefix(version, minor+".") {
			return version
		}
	}
	return ""
}

// functions returns the functions that a cluster calls.
func (c *digitalOceanClusters) functions() map[string]offline.Function {
	return map[string]offline.Function{
		"digitalocean:index/getKubernetesCluster:getKubernetesCluster":   c.find,
		"digitalocean:index/getKubernetesVersions:getKubernetesVersions": getKubernetesVersions,
		"digitalocean:index/getContainerRegistry:getContainerRegistry": func(args resource.PropertyMap) (resource.PropertyMap, error) {
			name := text(args, "name")
			if name != "recorded" {
				return nil, errNotFound("registry", name)
			}
			return resource.NewPropertyMapFromMap(map[string]any{
				"id": name, "name": name, "serverUrl": "registry.digitalocean.com", "endpoint": "registry.digitalocean.com/" + name,
			}), nil
		},
		"digitalocean:index/getCertificate:getCertificate": func(args resource.PropertyMap) (resource.PropertyMap, error) {
			name := text(args, "name")
			if name != "recorded" {
				return nil, errNotFound("certificate", name)
			}
			return resource.NewPropertyMapFromMap(map[string]any{"id": name, "name": name, "state": "verified"}), nil
		},
	}
}

func (c *digitalOceanClusters) find(args resource.PropertyMap) (resource.PropertyMap, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := text(args, "name")
	cluster, ok := c.running[name]
	if !ok {
		return nil, fmt.Errorf("Unable to find cluster with name: %s", name) //nolint:staticcheck // the provider's own message
	}
	status := "running"
	if cluster.pendingLookups > 0 {
		status = "upgrading"
		cluster.pendingLookups--
		c.running[name] = cluster
	}
	return resource.NewPropertyMapFromMap(map[string]any{
		"id": name, "name": name, "version": cluster.version, "status": status,
		"region": cluster.region, "vpcUuid": cluster.vpc,
		"nodePools": []any{map[string]any{"name": "nodes", "size": cluster.size}},
	}), nil
}

func getKubernetesVersions(args resource.PropertyMap) (resource.PropertyMap, error) {
	offered := slices.DeleteFunc(slices.Clone(recordedVersions), func(version string) bool {
		return !strings.HasPrefix(version, text(args, "versionPrefix"))
	})
	answer := map[string]any{"id": "recorded", "latestVersion": "", "validVersions": []any{}}
	for _, version := range offered {
		answer["validVersions"] = append(answer["validVersions"].([]any), version)
	}
	if len(offered) > 0 {
		answer["latestVersion"] = offered[0]
	}
	return resource.NewPropertyMapFromMap(answer), nil
}

// fillIn sets the outputs of a cluster's resources that DigitalOcean would set.
func (c *digitalOceanClusters) fillIn(e *offline.Event) {
	if e.Operation != offline.Create {
		return
	}
	set := func(key, format string, args ...any) {
		e.Outputs[resource.PropertyKey(key)] = resource.NewStringProperty(fmt.Sprintf(format, args...))
	}
	switch e.Type {
	case "digitalocean:index/containerRegistry:ContainerRegistry":
		e.ID = text(e.Outputs, "name")
		set("endpoint", "registry.digitalocean.com/%s", e.ID)
	case digitalOceanCluster:
		c.mu.Lock()
		c.made++
		e.ID = fmt.Sprintf("00000000-0000-4000-8000-%012d", c.made)
		c.mu.Unlock()
		set("endpoint", "https://%s.k8s.recorded.digitalocean.com", e.ID)
		e.Outputs["kubeConfigs"] = resource.MakeSecret(resource.NewProperty([]resource.PropertyValue{
			resource.NewProperty(resource.PropertyMap{
				"clusterCaCertificate": resource.NewProperty(recordedCA),
				"token":                resource.NewProperty(RecordedToken),
			}),
		}))
	}
}

// RecordedToken is the token in the kubeconfig of an offline cluster.
const RecordedToken = "recorded-kubeconfig-token"

// record records the existing clusters and their versions.
func (c *digitalOceanClusters) record(e *offline.Event) {
	if e.Type != digitalOceanCluster || e.Operation == offline.Read {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	name := text(e.Inputs, "name")
	if e.Operation == offline.Delete {
		delete(c.running, name)
		return
	}
	now := runningCluster{version: text(e.Outputs, "version"), region: text(e.Inputs, "region"), vpc: text(e.Inputs, "vpcUuid")}
	if now.vpc == "" {
		now.vpc = DefaultVPC
	}
	if pool := plainPool(e.Inputs); pool != nil {
		now.size = text(pool, "size")
	}
	if before, there := c.running[name]; there && before.version != now.version {
		now.pendingLookups = 1
	}
	c.running[name] = now
}

func plainPool(inputs resource.PropertyMap) resource.PropertyMap {
	if pool := inputs["nodePool"]; pool.IsObject() {
		return pool.ObjectValue()
	}
	return nil
}
