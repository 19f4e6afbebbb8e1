package prometheus

import (
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
)

const folder = "../../../service/metrics/monitoring/"

func read(t *testing.T, name string) []byte {
	t.Helper()
	return readFile(t, folder+name)
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// lives are series in promtool's notation, one sample a minute, with the alerts
// that fire after two hours.
var lives = map[string]struct {
	series []string
	fires  []string
}{
	"well": {[]string{
		`up{job="api",instance="a"} 1x120`,
		`http_requests_total{job="api",service="api",instance="a",status="200"} 0+600x120`,
		`http_requests_total{job="api",service="api",instance="a",status="500"} 0+1x120`,
		`http_request_duration_seconds_bucket{job="api",service="api",instance="a",le="0.1"} 0+600x120`,
		`http_request_duration_seconds_bucket{job="api",service="api",instance="a",le="+Inf"} 0+601x120`,
		`service_release_info{job="api",service="api",instance="a",release="1"} 1x120`,
		`service_draining{job="api",service="api",instance="a"} 0x120`,
		`process_start_time_seconds{job="api",service="api",instance="a"} 100x120`,
		`http_handler_panics_total{job="api",service="api",instance="a"} 0x120`,
		`http_connections_refused_total{job="api",service="api",instance="a"} 0x120`,
	}, nil},
	"half of the answers are errors": {[]string{
		`http_requests_total{job="api",service="api",instance="a",status="200"} 0+60x120`,
		`http_requests_total{job="api",service="api",instance="a",status="503"} 0+60x120`,
	}, []string{"ServiceErrors"}},
	"one error in an hour of silence": {[]string{
		`http_requests_total{job="api",service="api",instance="a",status="503"} 0x118 1x1`,
	}, nil},
	"slow": {[]string{
		`http_request_duration_seconds_bucket{job="api",service="api",instance="a",le="0.1"} 0+10x120`,
		`http_request_duration_seconds_bucket{job="api",service="api",instance="a",le="5"} 0+100x120`,
		`http_request_duration_seconds_bucket{job="api",service="api",instance="a",le="+Inf"} 0+100x120`,
	}, []string{"ServiceSlow"}},
	"a handler panics":     {[]string{`http_handler_panics_total{job="api",service="api",instance="a"} 0x115 1x5`}, []string{"ServicePanics"}},
	"too many connections": {[]string{`http_connections_refused_total{job="api",service="api",instance="a"} 0+5x120`}, []string{"ServiceRefusesConnections"}},
	"two releases": {[]string{
		`service_release_info{job="api",service="api",instance="a",release="1"} 1x120`,
		`service_release_info{job="api",service="api",instance="b",release="2"} 1x120`,
	}, []string{"ServiceTwoReleases"}},
	"two services with a release each": {[]string{
		`service_release_info{job="api",service="api",instance="a",release="1"} 1x120`,
		`service_release_info{job="web",service="web",instance="b",release="2"} 1x120`,
	}, nil},
	"a drain that does not end":            {[]string{`service_draining{job="api",service="api",instance="a"} 1x120`}, []string{"ServiceDrainsForever"}},
	"a worker that starts again and again": {[]string{`process_start_time_seconds{job="api",service="api",instance="a"} 0+60x120`}, []string{"ServiceRestarts"}},
	"a worker that is gone": {[]string{
		`up{job="api",instance="a"} 1x100 0x20`,
		`service_release_info{job="api",service="api",instance="a",release="1"} 1x100 stale`,
	}, []string{"ServiceGone"}},
	"a worker that hangs": {[]string{
		`machine_worker_up{job="api",service="api",instance="a",worker="0",slot="0"} 1x120`,
		`machine_worker_up{job="api",service="api",instance="a",worker="1",slot="1"} 1x60 0x60`,
	}, []string{"ServiceWorkerSilent"}},
	"a collector that is away": {[]string{
		`telemetry_dropped_total{job="api",service="api",instance="a",signal="logs"} 0x60 0+10x60`,
	}, []string{"ServiceTelemetryLost"}},
	"a collector that takes all": {[]string{
		`telemetry_dropped_total{job="api",service="api",instance="a",signal="logs"} 3x120`,
	}, nil},
	"something else that is gone": {[]string{`up{job="postgres",instance="a"} 0x120`}, nil},
}

// TestRules checks that Prometheus can read the rules, and evaluates each alert over
// lives.
func TestRules(t *testing.T) {
	groups, errs := rulefmt.Parse(read(t, "rules.yaml"), false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	seen := map[string]bool{}
	for name, life := range lives {
		storage := promqltest.LoadedStorage(t, "load 1m\n  "+strings.Join(life.series, "\n  ")+"\n")
		engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
		for _, rule := range groups.Groups[0].Rules {
			query, err := engine.NewInstantQuery(t.Context(), storage, nil, rule.Expr, time.Unix(0, 0).Add(2*time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			answer := query.Exec(t.Context())
			if answer.Err != nil {
				t.Fatalf("%s: %s: %v", name, rule.Alert, answer.Err)
			}
			vector, err := answer.Vector()
			if err != nil {
				t.Fatal(err)
			}
			expected := false
			for _, alert := range life.fires {
				expected = expected || alert == rule.Alert
			}
			if fires := len(vector) > 0; fires != expected {
				t.Errorf("%s: %s fires: %v", name, rule.Alert, vector)
			}
			seen[rule.Alert] = seen[rule.Alert] || expected
			query.Close()
		}
	}
	for alert, fired := range seen {
		if !fired {
			t.Errorf("%s fires in no life", alert)
		}
	}
}
