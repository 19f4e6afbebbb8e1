package prometheus

import (
	"encoding/json"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
)

// scrape is the time between two scrapes of the tests' Prometheus, and rated the
// range of Grafana's $__rate_interval for it.
const (
	scrape = 15 * time.Second
	rated  = 4 * scrape
)

type panel struct {
	Title   string
	Targets []struct{ Expr, LegendFormat string }
}

func panels(t *testing.T) []panel {
	t.Helper()
	var d struct{ Panels []panel }
	if err := json.Unmarshal(read(t, "dashboard.json"), &d); err != nil {
		t.Fatal(err)
	}
	return d.Panels
}

// expression returns a query with the values of Grafana's variables.
func expression(query string) string {
	return strings.NewReplacer("$__rate_interval", rated.String(), "$__interval", scrape.String(), "$service", ".*").Replace(query)
}

var placeholder = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

// legend returns the text that Grafana shows for a series.
func legend(format string, of labels.Labels) string {
	return placeholder.ReplaceAllStringFunc(format, func(m string) string { return of.Get(placeholder.FindStringSubmatch(m)[1]) })
}

// readings are scrapes of a real service: of a machine that rolls, and of the same
// workers as pods, which have no number and a name of their own.
func readings(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	numbers := regexp.MustCompile(`worker="\d+",slot="(\d+)",`)
	for line := range strings.Lines(string(readFile(t, "testdata/roll.series"))) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		all["machine"] = append(all["machine"], strings.Replace(line, "{", `{job="api",instance="203.0.113.7:80",`, 1))
		all["pods"] = append(all["pods"], strings.Replace(numbers.ReplaceAllString(line, `job="api",instance="10.0.0.$1:9464",`), ",}", "}", 1))
	}
	return all
}

// evaluate returns a query's result from the time at which all rates have a value.
func evaluate(t *testing.T, engine *promql.Engine, data storage.Queryable, query string) promql.Matrix {
	t.Helper()
	begin := time.Unix(0, 0)
	q, err := engine.NewRangeQuery(t.Context(), data, nil, expression(query), begin.Add(2*scrape), begin.Add(8*scrape), scrape)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	result := q.Exec(t.Context())
	matrix, err := result.Matrix()
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return matrix
}

// TestPanelsShowARealService checks that on the metrics of a real service each query
// gives a line, and each line a legend that can be read and told from the others.
func TestPanelsShowARealService(t *testing.T) {
	for where, series := range readings(t) {
		data := promqltest.LoadedStorage(t, "load "+scrape.String()+"\n  "+strings.Join(series, "\n  ")+"\n")
		engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
		sums := map[string]map[int64]float64{}
		for _, p := range panels(t) {
			legends, sum := map[string]bool{}, map[int64]float64{}
			for _, target := range p.Targets {
				numbers := 0
				matrix := evaluate(t, engine, data, target.Expr)
				for _, line := range matrix {
					text := legend(target.LegendFormat, line.Metric)
					if text == "" || len(text) > 40 || strings.TrimSpace(text) != text {
						t.Errorf("%s: %s: the legend %q of %s cannot be read", where, p.Title, text, line.Metric)
					}
					if legends[text] {
						t.Errorf("%s: %s: two lines are %q", where, p.Title, text)
					}
					legends[text] = true
					for _, f := range line.Floats {
						if !math.IsNaN(f.F) {
							numbers++
							sum[f.T] += f.F
						}
					}
				}
				if numbers == 0 {
					t.Errorf("%s: %s: %s shows nothing", where, p.Title, target.Expr)
				}
			}
			sums[p.Title] = sum
		}
		// A roll loses no request, so the releases have them all.
		for at, all := range sums["Requests"] {
			if of := sums["Requests by release"][at]; math.Abs(of-all) > 1e-9 {
				t.Errorf("%s: at %d ms the releases have %.2f requests a second of %.2f", where, at, of, all)
			}
		}
		if two := evaluate(t, engine, data, releasesQuery(t)); len(two) != 2 {
			t.Errorf("%s: %d releases in the roll", where, len(two))
		}
	}
}

func releasesQuery(t *testing.T) string {
	t.Helper()
	for _, p := range panels(t) {
		if p.Title == "Releases" {
			return p.Targets[0].Expr
		}
	}
	t.Fatal("the dashboard has no panel Releases")
	return ""
}
