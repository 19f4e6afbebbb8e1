package metrics

import "github.com/prometheus/client_golang/prometheus"

// Gauges are functions that are called when Prometheus asks. They cost nothing
// in between.
type Gauges struct {
	// Connections counts the open connections by phase.
	Connections func() map[string]int
	// Draining reports whether the worker drains.
	Draining func() bool
	// LongLived returns the number of open WebSockets.
	LongLived func() int
	// Refused returns the number of connections that were closed without
	// reading a request.
	Refused func() uint64
}

// Watch adds the gauges to the registry.
func (m *HTTP) Watch(g Gauges) {
	m.Registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "service_draining", Help: "1 while the worker finishes what it has and takes nothing new.",
		}, func() float64 {
			if g.Draining() {
				return 1
			}
			return 0
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "websocket_connections", Help: "Open WebSockets.",
		}, func() float64 { return float64(g.LongLived()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "http_connections_refused_total", Help: "Connections that were closed unheard because the worker had too many.",
		}, func() float64 { return float64(g.Refused()) }),
		&connections{count: g.Connections},
	)
}

// connections is a gauge with one value per phase.
type connections struct{ count func() map[string]int }

var connectionsDesc = prometheus.NewDesc("http_connections", "Open connections, by phase.", []string{"phase"}, nil)

// Describe sends the gauge's description.
func (c *connections) Describe(ch chan<- *prometheus.Desc) { ch <- connectionsDesc }

// Collect reads the connections once for all phases.
func (c *connections) Collect(ch chan<- prometheus.Metric) {
	now := c.count()
	for _, phase := range []string{"new", "active", "idle", "hijacked"} {
		ch <- prometheus.MustNewConstMetric(connectionsDesc, prometheus.GaugeValue, float64(now[phase]), phase)
	}
}
