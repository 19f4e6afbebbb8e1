package awseks

import (
	"regexp"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
	"escala/infra/deploy/awsaccount"
	"escala/infra/deploy/awsdns"
)

// deployment is the state of one call of Deploy.
type deployment struct {
	*deploy.Component
	settings Settings
	lookup   lookup
	// registrar makes the records in Route 53, if there are any.
	registrar awsdns.Registrar
}

// Deploy registers the target's resources.
func (t *EKS) Deploy(c *deploy.Component) (deploy.Endpoint, error) {
	d := deployment{Component: c, settings: t.settings}
	d.Request.Spec = behindALB(d.Request.Spec, t.settings)
	if err := awsaccount.Register(c, d.settings.Region, d.settings.Tags); err != nil {
		return deploy.Endpoint{}, err
	}
	// The lookup comes before anything else is registered.
	var err error
	if d.lookup, err = d.ask(); err != nil {
		return deploy.Endpoint{}, err
	}
	if len(d.settings.zones(d.Request.Spec).Names) > 0 {
		if d.registrar, err = awsdns.NewRegistrar(d.Component, d.settings.Region); err != nil {
			return deploy.Endpoint{}, err
		}
	}
	return d.run()
}

func (d deployment) run() (deploy.Endpoint, error) {
	none := deploy.Endpoint{}
	net, err := d.network()
	if err != nil {
		return none, err
	}
	roles, err := d.roles()
	if err != nil {
		return none, err
	}
	unique, err := d.RandomHex("cluster", 3, nil)
	if err != nil {
		return none, err
	}
	cluster, err := d.cluster(unique, net, roles)
	if err != nil {
		return none, err
	}
	admins, err := d.access(cluster)
	if err != nil {
		return none, err
	}
	repository, err := d.repository(unique)
	if err != nil {
		return none, err
	}
	endpoint, err := d.workload(net, cluster, admins, repository)
	if err != nil {
		return none, err
	}
	endpoint.Outputs[outputCluster] = cluster.Name
	endpoint.Outputs[outputDeployer] = pulumi.String(d.lookup.deployer)
	return endpoint, d.metricsServer(cluster, endpoint.Release)
}

// The next update reads these outputs: the cluster's name, and the principal that
// the last update admitted as its deployer.
const (
	outputCluster  = "cluster"
	outputDeployer = "deployer"
)

// hyphens matches several hyphens in a row, which the name of a repository
// cannot have.
var hyphens = regexp.MustCompile(`-+`)

// label returns the name of the stack's service in AWS. It is short enough for a
// cluster's name together with a suffix.
func (d deployment) label() string { return hyphens.ReplaceAllString(d.Label(60), "-") }
