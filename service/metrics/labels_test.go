package metrics

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
)

func scrape(m *HTTP) string {
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

func TestEachMetricHasTheService(t *testing.T) {
	t.Parallel()
	m := New("shop", "792b")
	m.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "own", ConstLabels: prometheus.Labels{"service": "mine", "zone": "a"},
	}, func() float64 { return 1 }))
	m.Answered(&http.Request{Method: http.MethodGet, Pattern: "GET /"}, 200, 0, nil)
	for range 2 { // twice, because Gather must not change the metrics themselves
		text := scrape(m)
		assert.Contains(t, text, `service_release_info{release="792b",service="shop"} 1`)
		assert.Contains(t, text, `http_requests_total{method="GET",route="GET /",service="shop",status="200"} 1`)
		assert.Contains(t, text, `own{service="mine",zone="a"} 1`)
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "#") {
				assert.Regexp(t, `service="[a-z]+"`, line)
				assert.Equal(t, 1, strings.Count(line, `service="`), line)
			}
		}
	}
}
