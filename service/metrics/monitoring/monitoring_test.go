package monitoring

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"escala/service/metrics"
)

var update = flag.Bool("update", false, "write dashboard.json and rules.yaml anew")

func golden(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, want, 0o644))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "go test ./service/metrics/monitoring -update")
}

func TestFiles(t *testing.T) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	require.NoError(t, enc.Encode(NewDashboard()))
	golden(t, "dashboard.json", b.Bytes())

	b.Reset()
	b.WriteString("# Written by go test ./service/metrics/monitoring -update.\n")
	rules := yaml.NewEncoder(&b)
	rules.SetIndent(2)
	require.NoError(t, rules.Encode(NewRules()))
	golden(t, "rules.yaml", b.Bytes())
}

// worker is a server whose values do not matter.
type worker struct{}

func (worker) InFlight() int64                    { return 0 }
func (worker) ConnectionsByPhase() map[string]int { return nil }
func (worker) Draining() bool                     { return false }
func (worker) WebSockets() int                    { return 0 }
func (worker) Refused() uint64                    { return 0 }

var described = regexp.MustCompile(`fqName: "([^"]+)".*?constLabels: \{([^}]*)\}, variableLabels: \{([^}]*)\}`)

// exported returns the metrics of a worker with their labels.
func exported(t *testing.T) map[string][]string {
	t.Helper()
	m := metrics.New("api", "release")
	m.Watch(worker{})
	m.CountDroppedLines(func() uint64 { return 0 })
	descriptions := make(chan *prometheus.Desc, 1000)
	m.Registry.Describe(descriptions)
	close(descriptions)
	found := map[string][]string{}
	for d := range descriptions {
		parts := described.FindStringSubmatch(d.String())
		require.NotNil(t, parts, d.String())
		found[parts[1]] = regexp.MustCompile(`[a-z_]+`).FindAllString(regexp.MustCompile(`="[^"]*"`).ReplaceAllString(parts[2], "")+","+parts[3], -1)
	}
	require.Greater(t, len(found), 20)
	return found
}

var (
	selector = regexp.MustCompile(`\b([a-z][a-z0-9_]*)(\{[^}]*\})?(\[[^]]*\])?`)
	matcher  = regexp.MustCompile(`([a-z_]+)(?:=~|!~|!=|=)`)
	grouping = regexp.MustCompile(`(?:by|on|group_left) \(([a-z, ]*)\)`)
	word     = regexp.MustCompile(`[a-z_]+`)
	literal  = regexp.MustCompile(`"[^"]*"`)
	suffix   = regexp.MustCompile(`_(bucket|sum|count)$`)
)

// language are the words of PromQL in the queries.
var language = []string{
	"sum", "by", "rate", "increase", "histogram_quantile", "topk", "count", "on", "group_left", "label_replace",
	"min_over_time", "max_over_time", "changes", "group", "and", "or", "max", "timestamp", "bool",
}

// given are labels that no metric describes itself: Prometheus, a worker's
// Gatherer, a machine or the query adds them.
var given = []string{"job", "instance", "service", "worker", "slot", "le", "class"}

// TestQueriesNameWhatAWorkerHas checks that a worker has the metrics and labels
// in each query.
func TestQueriesNameWhatAWorkerHas(t *testing.T) {
	metrics := exported(t)
	var queries []string
	for _, p := range NewDashboard().Panels {
		for _, target := range p.Targets {
			queries = append(queries, target.Expr)
		}
	}
	for _, rule := range NewRules().Groups[0].Rules {
		queries = append(queries, rule.Expr)
	}
	require.Greater(t, len(queries), 20)
	for _, query := range queries {
		var labels, all []string
		for _, g := range grouping.FindAllStringSubmatch(query, -1) {
			labels = append(labels, word.FindAllString(g[1], -1)...)
		}
		bare := grouping.ReplaceAllString(query, "")
		for _, s := range selector.FindAllStringSubmatch(literal.ReplaceAllStringFunc(bare, func(string) string { return `""` }), -1) {
			name := s[1]
			if slices.Contains(language, name) {
				continue
			}
			for _, l := range matcher.FindAllStringSubmatch(s[2], -1) {
				labels = append(labels, l[1])
			}
			known, ok := metrics[name]
			if base := suffix.ReplaceAllString(name, ""); !ok {
				known, ok = metrics[base]
			}
			if name == "machine_worker_up" { // the machine's agent adds it
				known, ok = []string{"service", "worker", "slot"}, true
			}
			if name == "telemetry_dropped_total" { // only a worker with a collector has it
				known, ok = []string{"signal"}, true
			}
			assert.True(t, ok || name == "up", "%s: no worker has %s", query, name)
			all = append(all, known...)
		}
		for _, label := range labels {
			assert.True(t, slices.Contains(all, label) || slices.Contains(given, label), "%s: no series has the label %s", query, label)
		}
	}
}

// TestTheDashboardFits checks what Grafana needs: each panel has an id of its
// own, no panels overlap, and the data source can be selected.
func TestTheDashboardFits(t *testing.T) {
	d := NewDashboard()
	assert.LessOrEqual(t, len(d.UID), 40)
	ids, places := map[int]bool{}, map[[2]int]bool{}
	for _, p := range d.Panels {
		assert.False(t, ids[p.ID], "%s: two panels have the id %d", p.Title, p.ID)
		ids[p.ID] = true
		assert.NotEmpty(t, p.Description, p.Title)
		assert.Equal(t, "${datasource}", p.Datasource.UID)
		assert.LessOrEqual(t, p.GridPos.X+p.GridPos.W, columns, p.Title)
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				assert.False(t, places[at], "%s: lies on another panel", p.Title)
				places[at] = true
			}
		}
		refs := map[string]bool{}
		for _, target := range p.Targets {
			assert.NotEmpty(t, target.Expr)
			assert.NotEmpty(t, target.LegendFormat)
			assert.False(t, refs[target.RefID])
			refs[target.RefID] = true
		}
		assert.NotEmpty(t, refs, p.Title)
	}
	assert.Equal(t, "datasource", d.Templating.List[0].Name)
}

func TestEachAlertSaysWhatItMeans(t *testing.T) {
	names := map[string]bool{}
	for _, rule := range NewRules().Groups[0].Rules {
		assert.False(t, names[rule.Alert], rule.Alert)
		names[rule.Alert] = true
		assert.Regexp(t, `^[A-Z][A-Za-z]+$`, rule.Alert)
		assert.Regexp(t, `\{\{ \$labels\.(service|job) \}\}`, rule.Annotations["summary"], rule.Alert)
		assert.Contains(t, []string{"warning", "critical"}, rule.Labels["severity"])
	}
}
