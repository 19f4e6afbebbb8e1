package prices

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"escala/infra/plan"
	"escala/infra/plan/values"
)

// clusterRules price the objects in a cluster for which its cloud creates something.
// All other objects run on nodes that are already paid for.
var clusterRules = map[string]rule{
	"kubernetes:networking.k8s.io/v1:Ingress":            ingress,
	"kubernetes:helm.sh/v3:Release":                      release,
	"kubernetes:core/v1:PersistentVolumeClaim":           claim,
	"kubernetes:eks.amazonaws.com/v1:IngressClassParams": (*count).included,
}

const (
	eksType  = "aws:eks/cluster:Cluster"
	doksType = "digitalocean:index/kubernetesCluster:KubernetesCluster"
)

// clusterRegion returns the region of the cluster that the stack creates.
func (c *count) clusterRegion() string {
	for _, r := range c.stack.Resources {
		if r.Type == eksType || r.Type == doksType {
			return c.region(r)
		}
	}
	return ""
}

// ingress prices the Application Load Balancer that EKS creates for an Ingress. It
// has an address in each of its subnets. In other clusters, an Ingress is a setting
// of the ingress controller.
func ingress(c *count, r plan.Resource) {
	if !c.has(eksType) {
		c.included(r)
		return
	}
	region := c.clusterRegion()
	n := exactly(1)
	n.why = "capacity units are by use"
	c.item(r, "Application Load Balancer", "aws/elb/application", region, n)
	for _, params := range c.stack.Resources {
		if params.Type != "kubernetes:eks.amazonaws.com/v1:IngressClassParams" {
			continue
		}
		if subnets := len(values.List(inputs(params), "spec", "subnets", "ids")); subnets > 0 && values.Text(inputs(params), "spec", "scheme") == "internet-facing" {
			c.item(r, fmt.Sprintf("%d public IPv4 addresses of the load balancer", subnets), "aws/vpc/public-ipv4", region, exactly(float64(subnets)))
		}
	}
}

// sizeUnit is the annotation with the number of a load balancer's nodes.
const sizeUnit = "service.beta.kubernetes.io/do-loadbalancer-size-unit"

// release prices the load balancer that DigitalOcean creates for Traefik's Service,
// and Traefik's volume.
func release(c *count, r plan.Resource) {
	if !c.has(doksType) || !strings.HasPrefix(path.Base(values.Text(inputs(r), "chart")), "traefik") {
		c.included(r)
		return
	}
	nodes := 1.0
	if unit, err := strconv.Atoi(values.Text(inputs(r), "values", "service", "annotations", sizeUnit)); err == nil {
		nodes = float64(unit)
	}
	c.item(r, "load balancer", "do/load-balancer/regional-node", c.clusterRegion(), exactly(nodes))
	if values.Bool(inputs(r), "values", "persistence", "enabled") {
		c.volume(r, values.Text(inputs(r), "values", "persistence", "size"))
	}
}

func claim(c *count, r plan.Resource) {
	c.volume(r, values.Text(inputs(r), "spec", "resources", "requests", "storage"))
}

// volume prices a volume. The size is in Kubernetes' notation.
func (c *count) volume(r plan.Resource, size string) {
	gib, err := strconv.ParseFloat(strings.TrimSuffix(size, "Gi"), 64)
	part := "volume of " + size
	switch {
	case err != nil:
		c.add(r, plan.Cost{Part: part, State: plan.NotPriced, Why: "the size is not in Gi"})
	case c.has(doksType):
		c.item(r, part, "do/volume/gib", c.clusterRegion(), exactly(gib))
	case c.has(eksType):
		c.item(r, part, "aws/ebs/gp3-gib", c.clusterRegion(), exactly(gib))
	default:
		c.included(r)
	}
}
