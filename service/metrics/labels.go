package metrics

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// labeled adds the label "service" to every metric when the metrics are gathered,
// so that counting a request costs nothing more.
type labeled struct {
	prometheus.Gatherer
	service string
}

const serviceLabel = "service"

// Gather returns the metrics with the label. A metric of the application that
// already has the label keeps its value.
func (l labeled) Gather() ([]*dto.MetricFamily, error) {
	all, err := l.Gatherer.Gather()
	for _, family := range all {
		for _, one := range family.GetMetric() {
			// The pairs are sorted. They belong to the metric and must not be
			// changed.
			at, there := slices.BinarySearchFunc(one.Label, serviceLabel, func(p *dto.LabelPair, name string) int {
				return strings.Compare(p.GetName(), name)
			})
			if there {
				continue
			}
			name, value := serviceLabel, l.service
			one.Label = slices.Insert(slices.Clone(one.Label), at, &dto.LabelPair{Name: &name, Value: &value})
		}
	}
	return all, err
}
