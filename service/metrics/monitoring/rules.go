package monitoring

// Rules is a file of rules in the form that Prometheus reads.
type Rules struct {
	Groups []Group `yaml:"groups"`
}

// Group holds rules that are evaluated together.
type Group struct {
	Name  string `yaml:"name"`
	Rules []Rule `yaml:"rules"`
}

// Rule is one alert.
type Rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// alert is a rule before it has labels. page makes its severity "critical"
// instead of "warning".
type alert struct {
	name, expr, lasts string
	page              bool
	summary           string
}

var alerts = []alert{
	{
		"ServiceErrors",
		`sum by (service) (rate(http_requests_total{status=~"5.."}[5m])) / sum by (service) (rate(http_requests_total[5m])) > 0.05 and sum by (service) (rate(http_requests_total[5m])) > 0.1`,
		"5m", true, "{{ $labels.service }} answers {{ $value | humanizePercentage }} of requests with 5xx",
	},
	{
		"ServiceSlow",
		`histogram_quantile(0.95, sum by (service, le) (rate(http_request_duration_seconds_bucket[5m]))) > 2`,
		"10m", false, "{{ $labels.service }} takes {{ $value | humanizeDuration }} for one in twenty requests",
	},
	{
		"ServicePanics",
		`sum by (service) (increase(http_handler_panics_total[10m])) > 0`,
		"0m", false, "handlers of {{ $labels.service }} panic",
	},
	{
		"ServiceRefusesConnections",
		`sum by (service) (rate(http_connections_refused_total[5m])) > 0`,
		"5m", false, "{{ $labels.service }} has more connections than it takes",
	},
	{
		"ServiceTwoReleases",
		`count by (service) (count by (service, release) (service_release_info)) > 1`,
		"30m", false, "{{ $labels.service }} has had two releases for half an hour: a rollout does not end",
	},
	{
		"ServiceDrainsForever",
		`min_over_time(service_draining[15m]) == 1`,
		"0m", false, "a worker of {{ $labels.service }} has drained for 15 minutes: {{ $labels.instance }}",
	},
	{
		"ServiceRestarts",
		`changes(process_start_time_seconds[15m]) > 3`,
		"0m", true, "a worker of {{ $labels.service }} starts again and again: {{ $labels.instance }}",
	},
	{
		"ServiceWorkerSilent",
		`machine_worker_up == 0`,
		"5m", true, "worker {{ $labels.worker }} of {{ $labels.service }} does not answer its machine {{ $labels.instance }}",
	},
	{
		"ServiceTelemetryLost",
		`sum by (service, signal) (rate(telemetry_dropped_total[15m])) > 0`,
		"15m", false, "{{ $labels.signal }} of {{ $labels.service }} do not reach the collector",
	},
	{
		"ServiceGone",
		`up == 0 and on (job) group by (job) (max_over_time(service_release_info[1h]))`,
		"5m", true, "{{ $labels.instance }} of {{ $labels.job }} does not answer Prometheus",
	},
}

// NewRules returns the rules.
func NewRules() Rules {
	group := Group{Name: "escala-service"}
	for _, a := range alerts {
		severity := "warning"
		if a.page {
			severity = "critical"
		}
		group.Rules = append(group.Rules, Rule{
			Alert: a.name, Expr: a.expr, For: a.lasts,
			Labels: map[string]string{"severity": severity}, Annotations: map[string]string{"summary": a.summary},
		})
	}
	return Rules{Groups: []Group{group}}
}
