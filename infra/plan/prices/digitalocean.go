package prices

import (
	"fmt"

	"escala/infra/plan"
	"escala/infra/plan/values"
)

// digitalOceanRules price the resources that the stacks create at DigitalOcean.
var digitalOceanRules = map[string]rule{
	"digitalocean:index/droplet:Droplet":                           droplet,
	"digitalocean:index/reservedIp:ReservedIp":                     single("Reserved IP", "do/reserved-ip/assigned"),
	"digitalocean:index/reservedIpAssignment:ReservedIpAssignment": (*count).included,
	"digitalocean:index/firewall:Firewall":                         single("firewall", "do/network/firewall"),
	"digitalocean:index/vpc:Vpc":                                   single("network", "do/network/vpc"),
	"digitalocean:index/dnsRecord:DnsRecord":                       single("record", "do/network/dns"),
	"digitalocean:index/uptimeCheck:UptimeCheck": func(c *count, r plan.Resource) {
		c.item(r, "uptime check", "do/uptime/check", c.region(r), amount{high: 1, why: "an account's first is free"})
	},
	"digitalocean:index/uptimeAlert:UptimeAlert":   (*count).included,
	"digitalocean:index/monitorAlert:MonitorAlert": single("alarm", "do/monitoring/alert"),
	"digitalocean:index/tag:Tag":                   (*count).included,
	"digitalocean:index/certificate:Certificate":   single("certificate", "do/certificate/lets-encrypt"),

	"digitalocean:index/spacesBucket:SpacesBucket":             spaces,
	"digitalocean:index/spacesBucketObject:SpacesBucketObject": (*count).included,
	"digitalocean:index/spacesKey:SpacesKey":                   (*count).included,

	"digitalocean:index/kubernetesCluster:KubernetesCluster":                                   doksCluster,
	"digitalocean:index/kubernetesNodePool:KubernetesNodePool":                                 func(c *count, r plan.Resource) { nodePool(c, r, inputs(r)) },
	"digitalocean:index/containerRegistry:ContainerRegistry":                                   registry,
	"digitalocean:index/containerRegistryDockerCredentials:ContainerRegistryDockerCredentials": (*count).included,
}

// droplet prices a machine and its backups. The program takes DigitalOcean's
// default for backups, which are weekly.
func droplet(c *count, r plan.Resource) {
	size := values.Text(inputs(r), "size")
	c.item(r, size, "do/droplet/"+size, c.region(r), exactly(1))
	if !values.Bool(inputs(r), "backups") {
		return
	}
	base, known := c.table.price("do/droplet/"+size, c.region(r))
	if !known {
		c.add(r, plan.Cost{Part: "backups", State: plan.NotPriced, Why: "are a share of the Droplet's price, which is not known"})
		return
	}
	const item = "do/droplet/weekly-backups"
	share, known := c.table.price(item, c.region(r))
	if !known {
		c.item(r, "backups", item, c.region(r), exactly(1))
		return
	}
	a := monthly(base) * share.Amount / 100
	c.add(r, plan.Cost{Part: "weekly backups", State: plan.Priced, Low: a, High: a, Price: &share})
}

// spaces prices the account's subscription, which all buckets share.
func spaces(c *count, r plan.Resource) {
	const item = "do/spaces/subscription"
	if !c.first(item) {
		c.included(r)
		return
	}
	n := exactly(1)
	n.why = "once for an account, whatever buckets it has, up to 250 GiB"
	c.item(r, "Spaces", item, c.region(r), n)
}

func doksCluster(c *count, r plan.Resource) {
	item := "do/kubernetes/control-plane"
	if values.Bool(inputs(r), "ha") {
		item = "do/kubernetes/ha"
	}
	c.item(r, "control plane", item, c.region(r), exactly(1))
	nodePool(c, r, values.At(inputs(r), "nodePool"))
}

// nodePool prices the nodes of a pool. A node has the price of a Droplet of its
// size.
func nodePool(c *count, r plan.Resource, pool any) {
	n := amount{}
	if values.Bool(pool, "autoScale") {
		n.low, _ = values.Number(pool, "minNodes")
		n.high, _ = values.Number(pool, "maxNodes")
	} else if nodes, ok := values.Number(pool, "nodeCount"); ok {
		n = exactly(nodes)
	}
	size := values.Text(pool, "size")
	many := fmt.Sprintf("%g nodes", n.low)
	if n.low != n.high {
		many = fmt.Sprintf("%g to %g nodes", n.low, n.high)
		n.why = "the cluster's autoscaler chooses how many"
	}
	c.item(r, many+" "+size, "do/droplet/"+size, c.region(r), n)
}

func registry(c *count, r plan.Resource) {
	tier := values.Text(inputs(r), "subscriptionTierSlug")
	n := exactly(1)
	n.why = "once for an account"
	c.item(r, "container registry, "+tier, "do/registry/"+tier, c.region(r), n)
}
