package dodoks

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/helm"
)

// The chart contains metrics-server 0.8.1.
const (
	metricsChartFile = "metrics-server-3.13.1.tgz"
	metricsVersion   = "3.13.1"
)

// metricsChart contains the chart's values.
type metricsChart struct {
	Replicas            int        `json:"replicas"`
	PodDisruptionBudget disruption `json:"podDisruptionBudget"`
}

// metricsServer installs metrics-server, which measures pods for the autoscaler. It
// has two pods, so that the autoscaler has measurements while a node is replaced.
func (d deployment) metricsServer(provider pulumi.ProviderResource) (pulumi.Resource, error) {
	values, err := helm.Values(metricsChart{Replicas: 2, PodDisruptionBudget: disruption{Enabled: true, MaxUnavailable: 1}})
	if err != nil {
		return nil, err
	}
	chart, err := d.chart(metricsChartFile)
	if err != nil {
		return nil, err
	}
	return helm.NewRelease(d.Ctx, d.Name("metrics-server"), &helm.ReleaseArgs{
		Chart:      pulumi.String(chart),
		Version:    pulumi.String(metricsVersion),
		Name:       pulumi.String("metrics-server"),
		Namespace:  pulumi.String("kube-system"),
		Values:     values,
		Atomic:     pulumi.Bool(true),
		Timeout:    pulumi.Int(installTimeout),
		MaxHistory: pulumi.Int(5),
	}, pulumi.Parent(d.Component), pulumi.Provider(provider))
}
