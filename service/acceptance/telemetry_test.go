package acceptance

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	logrecords "go.opentelemetry.io/proto/otlp/logs/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
)

// slowly requests /slow as a part of a trace.
func slowly(t *testing.T, address string) reply {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+address+"/slow?ms=1", nil)
	require.NoError(t, err)
	req.Header.Set("Traceparent", "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	got, _, err := replied(res)
	require.NoError(t, err)
	http.DefaultClient.CloseIdleConnections()
	require.Equal(t, http.StatusOK, got.StatusCode)
	return got
}

// TestTelemetryIsSentWhenAskedFor checks that a worker sends its waiting
// telemetry when it ends. The test ends the worker before any interval has passed.
func TestTelemetryIsSentWhenAskedFor(t *testing.T) {
	t.Parallel()
	c := newCollector(t, http.StatusOK)
	p, address := onPort(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "SERVICE_NAME=shop", "WORKER=3", "LOG_REQUESTS=all",
		"OTEL_EXPORTER_OTLP_HEADERS=authorization=Basic%20b3RscA==", "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=test",
		"OTEL_BSP_SCHEDULE_DELAY=3600000", "OTEL_BLRP_SCHEDULE_DELAY=3600000")
	got := slowly(t, address)
	p.signal(syscall.SIGTERM)
	require.Equal(t, 0, p.wait())

	all, resources, headers := c.taken()
	require.NotEmpty(t, all)
	span := all[len(all)-1]
	for _, one := range all {
		if one.Name == "GET /slow" {
			span = one
		}
	}
	assert.Equal(t, "GET /slow", span.Name)
	assert.Equal(t, "0123456789abcdef0123456789abcdef", hex.EncodeToString(span.TraceId))
	assert.Equal(t, spans.Span_SPAN_KIND_SERVER, span.Kind)
	assert.Equal(t, got.Header.Get("X-Request-Id"), text(span.Attributes, "http.request.id"))
	assert.Equal(t, "/slow", text(span.Attributes, "url.path"))

	assert.Equal(t, 1, int(c.sum("http_requests_total", map[string]string{"route": "GET /slow", "status": "200", "service": "shop"})))
	request, listening := c.record("request"), c.record("drained")
	require.NotNil(t, request)
	require.NotNil(t, listening, "the drain itself is logged")
	assert.Equal(t, "/slow", text(request.Attributes, "path"))
	assert.Equal(t, logrecords.SeverityNumber_SEVERITY_NUMBER_INFO, request.SeverityNumber)

	assert.GreaterOrEqual(t, len(resources), 3, "traces, metrics and logs")
	for _, one := range resources {
		assert.Equal(t, "shop", text(one.Attributes, "service.name"))
		assert.Equal(t, releaseID, text(one.Attributes, "service.version"))
		assert.Equal(t, "test", text(one.Attributes, "deployment.environment.name"))
		assert.Regexp(t, `.+/3/[0-9]+$`, text(one.Attributes, "service.instance.id"))
	}
	for _, h := range headers {
		assert.Equal(t, "Basic b3RscA==", h.Get("Authorization"))
	}
}

// TestWhichTelemetryIsSent checks that the variables of OpenTelemetry's
// specification select the signals that are sent.
func TestWhichTelemetryIsSent(t *testing.T) {
	t.Parallel()
	all := []string{"/v1/logs", "/v1/metrics", "/v1/traces"}
	for name, tt := range map[string]struct {
		env  []string
		want []string
	}{
		"all":                      {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL"}, all},
		"one signal's own address": {[]string{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=URL/v1/logs"}, all[:1]},
		"all but one":              {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_METRICS_EXPORTER=none"}, []string{"/v1/logs", "/v1/traces"}},
		"Prometheus asks":          {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_METRICS_EXPORTER=prometheus", "OTEL_LOGS_EXPORTER=none"}, all[2:]},
		"disabled":                 {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_SDK_DISABLED=true"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCollector(t, http.StatusOK)
			var env []string
			for _, one := range tt.env {
				env = append(env, strings.ReplaceAll(one, "URL", c.URL))
			}
			p, address := onPort(t, env...)
			slowly(t, address)
			p.signal(syscall.SIGTERM)
			require.Equal(t, 0, p.wait())
			var asked []string
			for _, path := range all {
				if c.count(path) > 0 {
					asked = append(asked, path)
				}
			}
			assert.Equal(t, tt.want, asked)
		})
	}
}

func TestMetricsAndLogsAreSentEachInterval(t *testing.T) {
	t.Parallel()
	c := newCollector(t, http.StatusOK)
	p, address := onPort(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "OTEL_METRIC_EXPORT_INTERVAL=50", "OTEL_BLRP_SCHEDULE_DELAY=50", "LOG_REQUESTS=all")
	slowly(t, address)
	await(t, func() bool {
		return c.sum("http_requests_total", map[string]string{"route": "GET /slow"}) == 1 && c.record("request") != nil
	}, "%s", lazy(p.output))
	await(t, func() bool { return c.count("/v1/metrics") > 3 })
}

// TestACollectorThatTakesNothingCostsNothingElse checks that a broken collector
// affects neither requests nor the drain. The time limits of the exporters alone
// would keep a worker alive for ten minutes.
func TestACollectorThatTakesNothingCostsNothingElse(t *testing.T) {
	t.Parallel()
	const away = "http://127.0.0.1:1"
	for name, tt := range map[string]struct {
		status int
		url    string
	}{"hangs": {}, "answers 500": {status: 500}, "answers 503": {status: 503}, "is away": {url: away}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := tt.url
			var c *collector
			if url == "" {
				c = newCollector(t, tt.status)
				url = c.URL
			}
			p, address := onPort(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+url, "LOG_REQUESTS=all",
				"OTEL_EXPORTER_OTLP_TIMEOUT=600000", "OTEL_BSP_EXPORT_TIMEOUT=600000", "OTEL_BLRP_EXPORT_TIMEOUT=600000", "OTEL_METRIC_EXPORT_TIMEOUT=600000",
				"OTEL_BSP_SCHEDULE_DELAY=50", "OTEL_BLRP_SCHEDULE_DELAY=50", "OTEL_METRIC_EXPORT_INTERVAL=50")
			slowly(t, address)
			if c != nil {
				await(t, func() bool { return c.count("/v1/traces") > 0 && c.count("/v1/metrics") > 0 && c.count("/v1/logs") > 0 })
			}
			slowly(t, address)
			p.signal(syscall.SIGTERM)
			assert.Equal(t, 0, p.wait())
			for _, signal := range []string{"traces", "metrics", "logs"} {
				assert.Equal(t, 1, strings.Count(p.output(), signal+" are not sent"), "%s", p.output())
			}
		})
	}
}

func TestAnOutageOfTheCollectorIsReportedOnceAndItsEnd(t *testing.T) {
	t.Parallel()
	c := newCollector(t, http.StatusInternalServerError)
	p, address := onPort(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "OTEL_TRACES_EXPORTER=none", "LOG_REQUESTS=all",
		"OTEL_BLRP_SCHEDULE_DELAY=20", "OTEL_METRIC_EXPORT_INTERVAL=20")
	for n := 1; n <= 3; n++ {
		slowly(t, address)
		await(t, func() bool { return c.count("/v1/logs") >= n && c.count("/v1/metrics") >= n })
	}
	c.answers(http.StatusOK)
	slowly(t, address)
	p.awaitOutput("logs are sent again")
	p.awaitOutput("metrics are sent again")
	await(t, func() bool {
		return c.sum("telemetry_dropped_total", map[string]string{"signal": "logs"}) >= 3
	}, "what was lost is counted")
	for _, signal := range []string{"metrics", "logs"} {
		assert.Equal(t, 1, strings.Count(p.output(), signal+" are not sent"), "%s", p.output())
	}
	assert.Contains(t, p.output(), "the collector is broken")
}

// TestMetricsOnAPortOfTheirOwn checks that the metrics port answers /metrics
// alone. A pod uses it for named scrapers.
func TestMetricsOnAPortOfTheirOwn(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	p, address := onPort(t, fmt.Sprintf("METRICS_PORT=%d", port), "METRICS=admin", "SERVICE_NAME=shop")
	own := fmt.Sprintf("http://127.0.0.1:%d", port)
	res, body := get(t, own+"/metrics")
	assert.Equal(t, http.StatusOK, res.StatusCode)
	assert.Contains(t, body, `service_release_info{release="`+releaseID+`",service="shop"} 1`)
	for _, url := range []string{own + "/", own + "/health", own + "/metrics/", "http://" + address + "/metrics"} {
		res, _ = get(t, url)
		assert.Equal(t, http.StatusNotFound, res.StatusCode, url)
	}
	p.signal(syscall.SIGTERM)
	assert.Equal(t, 0, p.wait())

	p = launch(t, binary, []string{"cluster"}, []string{"WORKERS=2", fmt.Sprintf("METRICS_PORT=%d", port)}, nil)
	assert.Equal(t, 2, p.wait())
	assert.Contains(t, p.output(), "several workers cannot share it")
}
