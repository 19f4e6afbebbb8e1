package prices

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/plan"
)

type (
	m = map[string]any
	l = []any
)

func res(kind, name string, raw m) plan.Resource {
	return plan.Resource{Type: kind, Name: name, URN: "urn:" + name, Provider: "aws", Raw: raw}
}

// frankfurt is the provider of resources at AWS. Its inputs are those for people.
var frankfurt = plan.Resource{Type: "pulumi:providers:aws", Name: "aws", Inputs: m{"region": "eu-central-1"}}

// made is a table with made-up prices.
func made(t *testing.T) Table {
	t.Helper()
	table, err := Read([]byte(`groups:
  - {region: eu-central-1, source: "https://x.example/", date: 2026-08-28, hour: {aws/ec2/t4g.small: 0.02, aws/vpc/nat-gateway: 0.05, aws/elb/application: 0.03}, month: {aws/ebs/gp3-gib: 0.1, aws/cloudwatch/alarm: 0.1}}
  - {region: us-east-1, source: "https://x.example/", date: 2026-08-28, hour: {aws/ec2/m9.large: 1}}
  - {region: "*", source: "https://x.example/", date: 2026-08-01, hour: {aws/vpc/public-ipv4: 0.005, aws/eks/cluster: 0.1}}
  - {region: "*", source: "https://x.example/", via: a copy, free: [aws/vpc/network, do/kubernetes/control-plane, do/registry/starter]}
  - {region: "*", source: "https://x.example/", date: 2026-11-01, month: {do/droplet/s: 10, do/spaces/subscription: 5, do/load-balancer/regional-node: 12, do/kubernetes/ha: 40, do/volume/gib: 0.1}, percent: {do/droplet/weekly-backups: 20}}
`))
	require.NoError(t, err)
	return table
}

// lines returns the lines that cost something as "name: part = amount".
func lines(c plan.Costs) []string {
	var all []string
	for _, line := range c.Lines {
		switch line.State {
		case plan.Included:
		case plan.Priced:
			all = append(all, line.Name+": "+line.Part+" = "+plan.Dollars(line.Low, line.High))
		default:
			all = append(all, line.Name+": "+line.Part+" = "+string(line.State))
		}
	}
	return all
}

func TestWhatAStackCosts(t *testing.T) {
	machine := res("aws:ec2/instance:Instance", "machine", m{
		"instanceType": "t4g.small", "associatePublicIpAddress": true,
		"rootBlockDevice":     m{"volumeSize": 10.0, "volumeType": "gp3"},
		"creditSpecification": m{"cpuCredits": "unlimited"},
	})
	doks := func(raw m) plan.Resource {
		raw["region"] = "fra1"
		return res(doksType, "cluster", raw)
	}
	for name, one := range map[string]struct {
		resources []plan.Resource
		want      []string
		sum       string
		unpriced  int
	}{
		"a machine with its own address": {
			[]plan.Resource{frankfurt, machine},
			[]string{"machine: t4g.small = 14.60", "machine: 10 GiB of gp3 = 1.00", "machine: public IPv4 address = 3.65", "machine: CPU credits = by use"},
			"19.25", 0,
		},
		"an Elastic IP takes its own address' place": {
			[]plan.Resource{
				frankfurt, machine, res("aws:ec2/eip:Eip", "address", m{}), res("aws:ec2/eipAssociation:EipAssociation", "address", m{}),
				res("aws:ec2/vpc:Vpc", "net", m{}), res("aws:ec2/subnet:Subnet", "net", m{}),
			},
			[]string{"machine: t4g.small = 14.60", "machine: 10 GiB of gp3 = 1.00", "machine: CPU credits = by use", "address: public IPv4 address = 3.65", "net: network = free"},
			"19.25", 0,
		},
		"another region's price is not taken": {
			[]plan.Resource{frankfurt, res("aws:ec2/instance:Instance", "machine", m{"instanceType": "m9.large"})},
			[]string{"machine: m9.large = not priced"},
			"not priced", 1,
		},
		"a type without a rule is not free": {
			[]plan.Resource{res("aws:rds/instance:Instance", "db", m{})},
			[]string{"db: Instance = not priced"},
			"not priced", 1,
		},
		"the two sorts of parameter": {
			[]plan.Resource{frankfurt, res("aws:ssm/parameter:Parameter", "large", m{"tier": "Advanced"})},
			[]string{"large: parameter above 4 KiB = not priced"},
			"not priced", 1,
		},
		"EKS, whose nodes are Amazon's choice": {
			[]plan.Resource{
				frankfurt,
				res(eksType, "cluster", m{"computeConfig": m{"enabled": true}}),
				res("kubernetes:networking.k8s.io/v1:Ingress", "ingress", m{}),
				res("kubernetes:eks.amazonaws.com/v1:IngressClassParams", "alb", m{"spec": m{"scheme": "internet-facing", "subnets": m{"ids": l{"a", "b", "c"}}}}),
				res("kubernetes:apps/v1:Deployment", "api", m{}),
			},
			[]string{"cluster: control plane = 73.00", "cluster: nodes = not priced", "ingress: Application Load Balancer = 21.90", "ingress: 3 public IPv4 addresses of the load balancer = 10.95"},
			"105.85", 1,
		},
		"an alarm on a metric, and one on the share of a metric in another": {
			[]plan.Resource{
				frankfurt,
				res("aws:cloudwatch/metricAlarm:MetricAlarm", "one", m{"metricName": "RequestCount"}),
				res("aws:cloudwatch/metricAlarm:MetricAlarm", "share", m{"metricQueries": l{m{"expression": "100 * a / b"}, m{"metric": m{}}, m{"metric": m{}}}}),
			},
			[]string{"one: alarm = 0.00 to 0.10", "share: alarm = 0.00 to 0.20"},
			"0.00 to 0.30", 0,
		},
		"a Droplet with backups, and buckets that share a subscription": {
			[]plan.Resource{
				res("digitalocean:index/droplet:Droplet", "machine", m{"size": "s", "region": "fra1", "backups": true}),
				res("digitalocean:index/spacesBucket:SpacesBucket", "a", m{"region": "fra1"}),
				res("digitalocean:index/spacesBucket:SpacesBucket", "b", m{"region": "fra1"}),
			},
			[]string{"machine: s = 10.00", "machine: weekly backups = 2.00", "a: Spaces = 5.00"},
			"17.00", 0,
		},
		"DOKS, whose autoscaler chooses the nodes": {
			[]plan.Resource{
				doks(m{"ha": false, "nodePool": m{"autoScale": true, "minNodes": 2.0, "maxNodes": 4.0, "size": "s"}}),
				res("digitalocean:index/containerRegistry:ContainerRegistry", "images", m{"subscriptionTierSlug": "starter"}),
				res("kubernetes:helm.sh/v3:Release", "traefik", m{"chart": "./charts/traefik-41.3.0.tgz", "values": m{"persistence": m{"enabled": true, "size": "1Gi"}}}),
				res("kubernetes:helm.sh/v3:Release", "metrics", m{"chart": "./charts/metrics-server-3.13.1.tgz"}),
			},
			[]string{"cluster: control plane = free", "cluster: 2 to 4 nodes s = 20.00 to 40.00", "images: container registry, starter = free", "traefik: load balancer = 12.00", "traefik: volume of 1Gi = 0.10"},
			"32.10 to 52.10", 0,
		},
		"DOKS, highly available, of a size and a tier that the table does not have": {
			[]plan.Resource{
				doks(m{"ha": true, "nodePool": m{"autoScale": false, "nodeCount": 3.0, "size": "xl"}}),
				res("digitalocean:index/containerRegistry:ContainerRegistry", "images", m{"subscriptionTierSlug": "professional"}),
			},
			[]string{"cluster: control plane = 40.00", "cluster: 3 nodes xl = not priced", "images: container registry, professional = not priced"},
			"40.00", 2,
		},
		"a cluster that is there already": {
			[]plan.Resource{res("pulumi:providers:kubernetes", "cluster", nil), res("kubernetes:networking.k8s.io/v1:Ingress", "ingress", m{})},
			[]string{"cluster: your cluster = not priced"},
			"not priced", 1,
		},
		"this computer": {
			[]plan.Resource{res("escala:local:Machine", "machine", m{}), res("random:index/randomId:RandomId", "id", m{})},
			nil, "0.00", 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := made(t).Stack(plan.Stack{Resources: one.resources})
			assert.Equal(t, one.want, lines(c))
			assert.Equal(t, one.sum, c.Sum())
			assert.Equal(t, one.unpriced, c.Unpriced)
			for _, line := range c.Lines {
				assert.NotEmpty(t, line.Part)
				switch line.State {
				case plan.Priced, plan.Free:
					require.NotNil(t, line.Price, line.Part)
					assert.NotEmpty(t, line.Price.Source)
				case plan.NotPriced:
					assert.NotEmpty(t, line.Why, line.Part)
					assert.Zero(t, line.High)
				}
			}
		})
	}
}

func TestFindings(t *testing.T) {
	costs := made(t).Stack(plan.Stack{Resources: []plan.Resource{
		frankfurt, res("aws:ec2/instance:Instance", "machine", m{"instanceType": "t4g.small", "rootBlockDevice": m{"volumeSize": 10.0, "volumeType": "gp3"}}),
		res("aws:ec2/eip:Eip", "address", m{}),
	}})
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		require.NoError(t, err)
		return at
	}
	assert.Empty(t, Findings(costs, 0, day("2026-10-30")), "90 days and no more")
	assert.Empty(t, Findings(costs, 19.25, day("2026-10-30")), "the budget is enough")

	found := Findings(costs, 0, day("2026-10-31"))
	require.Len(t, found, 1)
	assert.Equal(t, plan.Finding{Level: plan.Notice, Where: "costs", What: "1 of 3 prices are older than 90 days or have no day; the oldest is aws/vpc/public-ipv4 of 2026-08-01"}, found[0])

	found = Findings(costs, 19.24, day("2026-12-01"))
	require.Len(t, found, 2)
	assert.Equal(t, plan.Finding{Level: plan.Error, Where: "costs", What: "a month costs 19.25 $, and the budget is 19.24 $", Right: "less, or a higher BUDGET"}, found[0])
	assert.Equal(t, plan.Warning, found[1].Level, "the sum may be wrong")
	assert.Contains(t, found[1].What, "3 of 3 prices")
	assert.NotEmpty(t, found[1].Right)

	scaling := plan.Costs{Low: 60, High: 108, Lines: []plan.Cost{{Name: "cluster", Part: "nodes", State: plan.NotPriced, Why: "of Amazon's choice"}}, Unpriced: 1}
	found = Findings(scaling, 100, day("2026-12-01"))
	require.Len(t, found, 2, "a budget holds for the end of a range")
	assert.Equal(t, "a month costs 60.00 to 108.00 $, and the budget is 100.00 $", found[0].What)
	assert.Equal(t, "not priced, and not in the sum: cluster (nodes): of Amazon's choice", found[1].What)
	assert.Equal(t, plan.Warning, found[1].Level)
	assert.Equal(t, plan.Notice, Findings(scaling, 0, day("2026-12-01"))[0].Level)
}
