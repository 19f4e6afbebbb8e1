package metrics

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// labeled adds the label "service" to every metric when it is asked for. Counting
// costs nothing more.
type labeled struct {
	prometheus.Gatherer
	service string
}

const serviceLabel = "service"

// Gather returns the metrics with the label. A metric of the application that has the
// label keeps its own.
func (l labeled) Gather() ([]*dto.MetricFamily, error) {
	all, err := l.Gatherer.Gather()
	for _, family := range all {
		for _, one := range family.GetMetric() {
			// The pairs are sorted, and belong to the metric: they must not be changed.
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
