package acceptance

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	logs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	traces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logrecords "go.opentelemetry.io/proto/otlp/logs/v1"
	figures "go.opentelemetry.io/proto/otlp/metrics/v1"
	resources "go.opentelemetry.io/proto/otlp/resource/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector is an OpenTelemetry collector for OTLP over HTTP.
type collector struct {
	t *testing.T
	*httptest.Server

	mu sync.Mutex
	// status is the status of each answer. 0 means that no request is answered
	// before the end of the test.
	status    int
	ended     chan struct{}
	headers   []http.Header
	resources []*resources.Resource
	spans     []*spans.Span
	figures   []*figures.Metric
	records   []*logrecords.LogRecord
	// asked counts all requests by path, including those without an answer.
	asked map[string]int
}

func newCollector(t *testing.T, status int) *collector {
	t.Helper()
	c := &collector{t: t, status: status, ended: make(chan struct{}), asked: map[string]int{}}
	c.Server = httptest.NewServer(c)
	t.Cleanup(func() {
		close(c.ended)
		c.Close()
	})
	return c
}

// answers sets the status of later answers.
func (c *collector) answers(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if !assert.NoError(c.t, err) {
			return
		}
		in = z
	}
	body, err := io.ReadAll(in)
	if err != nil {
		return // the worker has ended
	}
	c.mu.Lock()
	status := c.status
	c.asked[r.URL.Path]++
	c.mu.Unlock()
	switch status {
	case 0:
		<-c.ended
	case http.StatusOK:
		c.take(r, body)
	default:
		http.Error(w, "the collector is broken", status)
	}
}

func (c *collector) take(r *http.Request, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	assert.Equal(c.t, "application/x-protobuf", r.Header.Get("Content-Type"))
	c.headers = append(c.headers, r.Header)
	read := func(m proto.Message) { assert.NoError(c.t, proto.Unmarshal(body, m)) }
	switch r.URL.Path {
	case "/v1/traces":
		var m traces.ExportTraceServiceRequest
		read(&m)
		for _, one := range m.ResourceSpans {
			c.resources = append(c.resources, one.Resource)
			for _, scope := range one.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
	case "/v1/metrics":
		var m metrics.ExportMetricsServiceRequest
		read(&m)
		for _, one := range m.ResourceMetrics {
			c.resources = append(c.resources, one.Resource)
			for _, scope := range one.ScopeMetrics {
				c.figures = append(c.figures, scope.Metrics...)
			}
		}
	case "/v1/logs":
		var m logs.ExportLogsServiceRequest
		read(&m)
		for _, one := range m.ResourceLogs {
			c.resources = append(c.resources, one.Resource)
			for _, scope := range one.ScopeLogs {
				c.records = append(c.records, scope.LogRecords...)
			}
		}
	default:
		assert.Fail(c.t, "nothing is sent there", r.URL.Path)
	}
}

// taken returns everything that the collector received, in the order of its
// arrival.
func (c *collector) taken() ([]*spans.Span, []*resources.Resource, []http.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans), slices.Clone(c.resources), slices.Clone(c.headers)
}

// count returns the number of requests for a path.
func (c *collector) count(path string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked[path]
}

// record returns the log record with this text.
func (c *collector) record(text string) *logrecords.LogRecord {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.records {
		if one.Body.GetStringValue() == text {
			return one
		}
	}
	return nil
}

// sum returns the last total of a counter, over all points with these attributes.
func (c *collector) sum(name string, attributes map[string]string) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	total := 0.0
	for _, one := range c.figures {
		if one.Name != name {
			continue
		}
		total = 0
		for _, point := range one.GetSum().GetDataPoints() {
			fits := true
			for key, value := range attributes {
				fits = fits && text(point.Attributes, key) == value
			}
			if fits {
				total += point.GetAsDouble()
			}
		}
	}
	return total
}

func text(all []*common.KeyValue, key string) string {
	for _, one := range all {
		if one.Key == key {
			return one.Value.GetStringValue()
		}
	}
	return ""
}
