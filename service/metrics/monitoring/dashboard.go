// Package monitoring contains the Grafana dashboard and the Prometheus rules of a
// service on escala's runtime, as dashboard.json and rules.yaml. go test -update
// writes the files. A test checks that a worker has the metrics in their queries.
// No program imports this package.
package monitoring

// Dashboard is a dashboard in the form that Grafana imports. It has only the
// fields that Grafana's JSON model needs (Grafana's documentation, "JSON model").
type Dashboard struct {
	UID           string      `json:"uid"`
	Title         string      `json:"title"`
	Tags          []string    `json:"tags"`
	SchemaVersion int         `json:"schemaVersion"`
	Editable      bool        `json:"editable"`
	Refresh       string      `json:"refresh"`
	Time          TimeRange   `json:"time"`
	Templating    Templating  `json:"templating"`
	Annotations   Annotations `json:"annotations"`
	Panels        []Panel     `json:"panels"`
}

// TimeRange is the range of time that a dashboard shows.
type TimeRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Templating holds a dashboard's variables.
type Templating struct {
	List []Variable `json:"list"`
}

// Annotations holds a dashboard's annotations. Grafana needs the list, even an
// empty one.
type Annotations struct {
	List []any `json:"list"`
}

// Variable is a selector at the top of a dashboard.
type Variable struct {
	Name       string      `json:"name"`
	Label      string      `json:"label"`
	Type       string      `json:"type"`
	Datasource *Datasource `json:"datasource,omitempty"`
	Query      string      `json:"query"`
	Refresh    int         `json:"refresh,omitempty"`
	Multi      bool        `json:"multi,omitempty"`
	IncludeAll bool        `json:"includeAll,omitempty"`
	AllValue   string      `json:"allValue,omitempty"`
}

// Datasource is the source of a panel's data.
type Datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// Panel is one graph.
type Panel struct {
	ID          int         `json:"id"`
	Type        string      `json:"type"`
	Title       string      `json:"title"`
	Description string      `json:"description,omitempty"`
	Datasource  Datasource  `json:"datasource"`
	GridPos     GridPos     `json:"gridPos"`
	FieldConfig FieldConfig `json:"fieldConfig"`
	Targets     []Target    `json:"targets"`
}

// GridPos is a panel's position and size in a grid of 24 columns.
type GridPos struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

// FieldConfig holds a panel's field settings, such as the unit.
type FieldConfig struct {
	Defaults  FieldDefaults `json:"defaults"`
	Overrides []any         `json:"overrides"`
}

// FieldDefaults are the settings of all fields of a panel.
type FieldDefaults struct {
	Unit string   `json:"unit"`
	Min  *float64 `json:"min,omitempty"`
	// Custom are the settings of the panel's type.
	Custom *TimeseriesField `json:"custom,omitempty"`
}

// TimeseriesField are the settings of a field in a panel of the type timeseries.
type TimeseriesField struct {
	ScaleDistribution Scale `json:"scaleDistribution"`
}

// Scale is the scale of an axis. Log is the base of a logarithmic one.
type Scale struct {
	Type string `json:"type"`
	Log  int    `json:"log,omitempty"`
}

// Target is one query.
type Target struct {
	RefID        string `json:"refId"`
	Expr         string `json:"expr"`
	LegendFormat string `json:"legendFormat"`
}

// The number of columns of the grid, and the size of each panel.
const (
	columns = 24
	width   = 12
	height  = 8
)

// picture is a panel without its position.
type picture struct {
	title, about, unit string
	queries            [][2]string
}

// chosen selects the series of the services that the dashboard's user has
// selected.
const chosen = `{service=~"$service"}`

// shortRelease shortens the releases' ids in a query's result, as make status does.
func shortRelease(query string) string {
	return `label_replace(` + query + `, "release", "$1", "release", "(.{12}).*")`
}

// byWorker is a query, and its legend, with one line for each worker.
// On a machine, a worker has two processes during a roll, and on a cluster a pod is
// one worker, without a number.
func byWorker(aggregation, query string) [2]string {
	return [2]string{`label_replace(` + aggregation + ` by (instance, worker) (` + query + `), "worker", " worker $1", "worker", "(.+)")`, "{{instance}}{{worker}}"}
}

// serving is the release that each worker has or, if it ended less than an interval
// ago, had. Without those that ended, the requests of the old workers would vanish
// from the graph at a roll, one interval before those of the new ones are all there.
// A slot that had two releases in the interval counts for the last.
const serving = `(topk by (job, instance, worker, slot) (1, max_over_time(timestamp(service_release_info` + chosen + `)[$__rate_interval:$__interval])) > bool 0)`

// pictures are the panels in their order, two per row.
var pictures = []picture{
	{"Requests", "Requests a second, by the class of their status.", "reqps", [][2]string{
		{`sum by (class) (label_replace(rate(http_requests_total` + chosen + `[$__rate_interval]), "class", "${1}xx", "status", "(.).*"))`, "{{class}}"},
	}},
	{"Server errors", "Share of answers with 5xx.", "percentunit", [][2]string{
		// Before its first error, a service has no series with 5xx.
		{`(sum(rate(http_requests_total{service=~"$service",status=~"5.."}[$__rate_interval])) or 0 * sum(rate(http_requests_total` + chosen + `[$__rate_interval]))) / sum(rate(http_requests_total` + chosen + `[$__rate_interval]))`, "5xx"},
	}},
	{"Latency", "Time from a request's header to the end of its handler.", "s", [][2]string{
		{`histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket` + chosen + `[$__rate_interval])))`, "50 %"},
		{`histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket` + chosen + `[$__rate_interval])))`, "95 %"},
		{`histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket` + chosen + `[$__rate_interval])))`, "99 %"},
	}},
	{"Slow routes", "95 % of a route's requests are faster.", "s", [][2]string{
		// A request that no route matches has an empty route.
		{`label_replace(topk(10, histogram_quantile(0.95, sum by (route, le) (rate(http_request_duration_seconds_bucket` + chosen + `[$__rate_interval])))), "route", "no route", "route", "")`, "{{route}}"},
	}},
	{"Releases", "Workers of each release: two lines during a rollout.", "short", [][2]string{
		{shortRelease(`count by (release) (service_release_info` + chosen + `)`), "{{release}}"},
	}},
	{"Requests by release", "Requests a second, by the release that answered.", "reqps", [][2]string{
		{shortRelease(`sum by (release) (rate(http_requests_total` + chosen + `[$__rate_interval]) * on (job, instance, worker, slot) group_left (release) ` + serving + `)`), "{{release}}"},
	}},
	{"In flight and draining", "Requests that are being answered, and workers that drain.", "short", [][2]string{
		{`sum(http_requests_in_flight` + chosen + `)`, "in flight"},
		{`sum(service_draining` + chosen + `)`, "draining workers"},
	}},
	{"Connections", "Open connections by phase, WebSockets, and those that were refused each second.", "short", [][2]string{
		{`sum by (phase) (http_connections{service=~"$service",phase!="hijacked"})`, "{{phase}}"},
		{`sum(websocket_connections` + chosen + `)`, "WebSockets"},
		{`sum(rate(http_connections_refused_total` + chosen + `[$__rate_interval]))`, "refused/s"},
	}},
	{"Memory", "Resident memory of each worker; during a roll, of both its processes.", "bytes", [][2]string{
		byWorker("sum", `process_resident_memory_bytes`+chosen),
	}},
	{"CPU", "Processors that each worker uses.", "short", [][2]string{
		byWorker("sum", `rate(process_cpu_seconds_total`+chosen+`[$__rate_interval])`),
	}},
	{"Goroutines", "A line that only rises is a leak.", "short", [][2]string{
		byWorker("max", `go_goroutines`+chosen),
	}},
	{"Panics and dropped log lines", "Each minute. Both are 0 in a service that is well.", "short", [][2]string{
		{`60 * sum(rate(http_handler_panics_total` + chosen + `[$__rate_interval]))`, "panics"},
		{`60 * sum(rate(log_lines_dropped_total` + chosen + `[$__rate_interval]))`, "dropped lines"},
	}},
}

// NewDashboard returns the dashboard.
func NewDashboard() Dashboard {
	source := Datasource{Type: "prometheus", UID: "${datasource}"}
	d := Dashboard{
		UID: "escala-service", Title: "Service", Tags: []string{"escala"}, SchemaVersion: 39, Editable: true,
		Refresh: "30s", Time: TimeRange{From: "now-1h", To: "now"},
		Annotations: Annotations{List: []any{}},
		Templating: Templating{List: []Variable{
			{Name: "datasource", Label: "Prometheus", Type: "datasource", Query: "prometheus"},
			{
				Name: "service", Label: "Service", Type: "query", Datasource: &source, Query: "label_values(service_release_info, service)",
				Refresh: 2, Multi: true, IncludeAll: true, AllValue: ".*",
			},
		}},
	}
	zero := 0.0
	for i, p := range pictures {
		panel := Panel{
			ID: i + 1, Type: "timeseries", Title: p.title, Description: p.about, Datasource: source,
			GridPos:     GridPos{H: height, W: width, X: i * width % columns, Y: i * width / columns * height},
			FieldConfig: FieldConfig{Defaults: FieldDefaults{Unit: p.unit, Min: &zero}, Overrides: []any{}},
		}
		// Half of the requests take milliseconds where one in a hundred takes seconds.
		if defaults := &panel.FieldConfig.Defaults; p.unit == "s" {
			defaults.Min, defaults.Custom = nil, &TimeseriesField{ScaleDistribution: Scale{Type: "log", Log: 10}}
		}
		for j, query := range p.queries {
			panel.Targets = append(panel.Targets, Target{RefID: string(rune('A' + j)), Expr: query[0], LegendFormat: query[1]})
		}
		d.Panels = append(d.Panels, panel)
	}
	return d
}
