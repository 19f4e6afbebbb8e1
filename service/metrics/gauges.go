package metrics

import "github.com/prometheus/client_golang/prometheus"

// Server provides the gauges. They are read only while Prometheus scrapes, and
// cost nothing in between.
type Server interface {
	// InFlight returns the number of requests that are being answered.
	InFlight() int64
	// ConnectionsByPhase counts the open connections.
	ConnectionsByPhase() map[string]int
	// Draining reports whether the worker drains.
	Draining() bool
	// WebSockets returns the number of open WebSockets.
	WebSockets() int
	// Refused returns the number of connections that were closed without
	// reading a request.
	Refused() uint64
}

// Watch adds the gauges of s to the registry.
func (m *HTTP) Watch(s Server) {
	m.Registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "http_requests_in_flight", Help: "Requests that are being answered.",
		}, func() float64 { return float64(s.InFlight()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "service_draining", Help: "1 while the worker finishes what it has and takes nothing new.",
		}, func() float64 {
			if s.Draining() {
				return 1
			}
			return 0
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "websocket_connections", Help: "Open WebSockets.",
		}, func() float64 { return float64(s.WebSockets()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "http_connections_refused_total", Help: "Connections that were closed unheard because the worker had too many.",
		}, func() float64 { return float64(s.Refused()) }),
		&connections{count: s.ConnectionsByPhase},
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
