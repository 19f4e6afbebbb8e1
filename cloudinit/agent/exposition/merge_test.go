package exposition

import (
	"bytes"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func scrapes(texts ...string) []Scrape {
	var all []Scrape
	for i, text := range texts {
		all = append(all, Scrape{[]Label{{"worker", string(rune('0' + i))}, {"slot", "7"}}, []byte(text)})
	}
	return all
}

const one = `# HELP a_total All.
# TYPE a_total counter
a_total{route="GET /{id}",text="} \"q\" \\"} 1
a_total 2
# TYPE h histogram
h_bucket{le="+Inf"} 3
h_sum 1.5
h_count 3
# a comment
untyped{} 1 1700000000000
`

const two = `# HELP own Own.
# TYPE own gauge
own{worker="9",}	4
# HELP a_total All.
# TYPE a_total counter
a_total 5
`

func TestMerge(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, Merge(&b, scrapes(one, two)))
	assert.Equal(t, `# HELP a_total All.
# TYPE a_total counter
a_total{worker="0",slot="7",route="GET /{id}",text="} \"q\" \\"} 1
a_total{worker="0",slot="7"} 2
a_total{worker="1",slot="7"} 5
# TYPE h histogram
h_bucket{worker="0",slot="7",le="+Inf"} 3
h_sum{worker="0",slot="7"} 1.5
h_count{worker="0",slot="7"} 3
untyped{worker="0",slot="7"} 1 1700000000000
# HELP own Own.
# TYPE own gauge
own{worker="1",slot="7",exported_worker="9"} 4
`, b.String())
	// Prometheus' own parser agrees.
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(&b)
	require.NoError(t, err)
	assert.Len(t, families, 4)
	assert.Len(t, families["a_total"].Metric, 3)
}

func TestWhatIsNoMetricIsAnError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"<!doctype html>", "a{b=\"c} 1\n", "a{b} 1\n", "{x=\"y\"} 1\n", "a{=\"y\"} 1\n", "a{b=c} 1\n", "a{b=\"c\\\n", "a", "a b\n", "html {\n", "a 1 2 3\n"} {
		assert.ErrorContains(t, Merge(&bytes.Buffer{}, scrapes(text)), "this is not a metric", "%q", text)
	}
}

// FuzzMerge checks that Prometheus reads from the merged answer everything that it
// reads from each worker.
func FuzzMerge(f *testing.F) {
	f.Add(one)
	f.Add(two)
	f.Add("a{b=\"c\"}1\n")
	f.Add("# TYPE a counter\na 1\nb 2\n")
	f.Fuzz(func(t *testing.T, text string) {
		var b bytes.Buffer
		merged := Merge(&b, scrapes(text, text))
		parser := expfmt.NewTextParser(model.LegacyValidation)
		alone, err := parser.TextToMetricFamilies(strings.NewReader(text))
		if err != nil || strings.Contains(text, "\r") {
			return
		}
		require.NoError(t, merged, "%q", text)
		both, err := parser.TextToMetricFamilies(&b)
		require.NoError(t, err, "%q", text)
		for name, family := range alone {
			if family.GetType() == both[name].GetType() {
				require.Len(t, both[name].GetMetric(), 2*len(family.GetMetric()), "%s in %q", name, text)
			}
		}
	})
}
