// Package metrics counts a worker's requests and answers Prometheus. The hot
// path costs two atomic additions and one lookup in a map without a lock.
package metrics

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// HTTP holds the metrics of one worker's HTTP server.
type HTTP struct {
	// Registry is the registry for the application's own metrics.
	Registry *prometheus.Registry
	// Gatherer returns all metrics of Registry with the label "service".
	Gatherer prometheus.Gatherer

	handler  http.Handler
	requests *prometheus.CounterVec
	latency  *prometheus.HistogramVec
	panics   prometheus.Counter

	// series is copied when an entry is added, so that reads need no lock. Its
	// size is limited: routes come from the application's mux, and there are
	// few methods and statuses.
	series atomic.Pointer[map[key]*series]
	mu     sync.Mutex
}

type key struct {
	route, method string
	status        int
}

type series struct {
	key      key
	requests prometheus.Counter
	latency  prometheus.Observer
}

// New returns metrics that are labeled with the service, including those of the Go
// runtime and the process.
func New(service, release string) *HTTP {
	registry := prometheus.NewRegistry()
	m := &HTTP{
		Registry: registry,
		Gatherer: labeled{registry, service},
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total", Help: "Requests answered, by route, method and status.",
		}, []string{"route", "method", "status"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "Time from a request's header to the end of its handler.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "method"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "http_handler_panics_total", Help: "Handlers that panicked.",
		}),
	}
	m.series.Store(&map[key]*series{})
	info := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "service_release_info", Help: "Which release is running; always 1.",
		ConstLabels: prometheus.Labels{"release": release},
	}, func() float64 { return 1 })
	m.Registry.MustRegister(m.requests, m.latency, m.panics, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.handler = promhttp.HandlerFor(m.Gatherer, promhttp.HandlerOpts{Registry: m.Registry})
	return m
}

// ServeHTTP answers Prometheus.
func (m *HTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.handler.ServeHTTP(w, r) }

// Answered counts a request. recent belongs to the request's connection, or is
// nil. It holds the counters of the last request: the next one usually has the
// same, and a comparison is cheaper than a lookup.
func (m *HTTP) Answered(r *http.Request, status int, took time.Duration, recent *any) {
	k := key{route: r.Pattern, method: Method(r.Method), status: status}
	o := m.find(k, recent)
	o.requests.Inc()
	if status != http.StatusSwitchingProtocols { // lasts as long as the WebSocket
		o.latency.Observe(took.Seconds())
	}
}

func (m *HTTP) find(k key, recent *any) *series {
	if recent != nil {
		if o, ok := (*recent).(*series); ok && o.key == k {
			return o
		}
	}
	o, ok := (*m.series.Load())[k]
	if !ok {
		o = m.add(k)
	}
	if recent != nil {
		*recent = o
	}
	return o
}

// CountDroppedLines adds a counter of dropped log lines to the registry.
func (m *HTTP) CountDroppedLines(dropped func() uint64) {
	m.Registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "log_lines_dropped_total", Help: "Log lines that were dropped because the log was not read fast enough.",
	}, func() float64 { return float64(dropped()) }))
}

// Panicked counts a panic of a handler.
func (m *HTTP) Panicked() { m.panics.Inc() }

func (m *HTTP) add(k key) *series {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := *m.series.Load()
	if o, ok := old[k]; ok {
		return o
	}
	o := &series{
		key:      k,
		requests: m.requests.WithLabelValues(k.route, k.method, strconv.Itoa(k.status)),
		latency:  m.latency.WithLabelValues(k.route, k.method),
	}
	grown := make(map[key]*series, len(old)+1)
	for k, o := range old {
		grown[k] = o
	}
	grown[k] = o
	m.series.Store(&grown)
	return o
}

// OtherMethod is the value of the label "method" for every other method. Clients
// can invent any number of them.
const OtherMethod = "other"

// methods lists the values of the label "method", except OtherMethod.
var methods = [...]string{
	http.MethodGet, http.MethodPost, http.MethodHead, http.MethodPut, http.MethodPatch,
	http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace,
}

// Method prevents clients from creating labels. It returns a constant, so that
// the label does not keep the request line, of which s is a part, in memory.
func Method(s string) string {
	for _, m := range methods {
		if s == m {
			return m
		}
	}
	return OtherMethod
}
