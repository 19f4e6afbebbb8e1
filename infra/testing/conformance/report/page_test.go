package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/conformance/report"
)

var update = flag.Bool("update", false, "write the golden file anew")

func TestPageIsAsItWas(t *testing.T) {
	t.Parallel()
	got, err := report.Page(everything())
	require.NoError(t, err)
	golden := filepath.Join("testdata", "page.html")
	if *update {
		require.NoError(t, os.WriteFile(golden, got, 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "go test ./infra/testing/conformance/report -update writes it anew; look at it in a browser then")
}

// wellFormed parses the page as XML, which is stricter than HTML, and returns
// the names of all elements.
func wellFormed(t *testing.T, page []byte) []string {
	t.Helper()
	var names []string
	d := xml.NewDecoder(bytes.NewReader(page))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return names
		}
		require.NoError(t, err)
		if start, ok := token.(xml.StartElement); ok {
			names = append(names, start.Name.Local)
		}
	}
}

func TestPageIsWellFormedAndLeadsNowhere(t *testing.T) {
	t.Parallel()
	page, err := report.Page(everything())
	require.NoError(t, err)
	names := wellFormed(t, page)
	for _, want := range []string{"table", "svg", "path", "details", "dl"} {
		assert.Contains(t, names, want)
	}
	for _, never := range []string{"script", "link", "img", "iframe", "object", "base", "form"} {
		assert.NotContains(t, names, never)
	}
	for _, m := range regexp.MustCompile(`(?i)(href|src|srcset|action|xlink:href)="([^"]*)"`).FindAllSubmatch(page, -1) {
		assert.True(t, bytes.HasPrefix(m[2], []byte("#")), "%s leads out of the page", m[0])
		assert.Contains(t, string(page), `id="`+string(m[2][1:])+`"`, "%s leads nowhere", m[0])
	}
	assert.NotContains(t, string(page), "url(")
	assert.NotContains(t, string(page), "@import")
	assert.NotContains(t, string(page), "://")
	assert.NotContains(t, string(page), "ZgotmplZ")
}

func TestPageEscapesWhateverItShows(t *testing.T) {
	t.Parallel()
	const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>'&` + "\x00\x01" + `</style></svg>]]>{{.}}`
	d := everything()
	for i := range d.Sections {
		s := &d.Sections[i]
		s.Title, s.Lead = hostile, hostile
		if s.Run.Command != "" {
			s.Run.Command, s.Run.Commit, s.Run.Machine.OS, s.Run.Machine.Processor = hostile, hostile, hostile, hostile
		}
		for j := range s.Facts {
			s.Facts[j] = report.Fact{Value: hostile, Label: hostile, Verdict: hostile}
		}
		for j := range s.Parts {
			p := &s.Parts[j]
			p.Title, p.Text = hostile, hostile
			if p.Table != nil {
				p.Table.Columns[0].Title = hostile
				p.Table.Rows[0].Cells[0] = report.Cell{Text: hostile, Note: hostile, Verdict: hostile}
			}
			if p.Plot != nil {
				p.Plot.XLabel = hostile
				p.Plot.Marks[0].Label = hostile
				p.Plot.Panels[0].Label, p.Plot.Panels[0].Style = hostile, hostile
				p.Plot.Panels[0].Lines[0].Name, p.Plot.Panels[0].Lines[0].Role = hostile, hostile
			}
			if p.Bars != nil {
				p.Bars.Unit, p.Bars.Better = hostile, hostile
				p.Bars.Bars[0] = report.Bar{Label: hostile, Text: hostile, Role: hostile, Value: 1}
			}
		}
	}
	page, err := report.Page(d)
	require.NoError(t, err)
	text := string(page)
	assert.NotContains(t, text, "<script")
	assert.NotContains(t, text, "<img")
	assert.Equal(t, 1, strings.Count(text, "</style>"))
	names := wellFormed(t, []byte(strings.ReplaceAll(text, "\x01", "")))
	assert.NotContains(t, names, "script")
	plain, err := report.Page(everything())
	require.NoError(t, err)
	assert.Len(t, names, len(wellFormed(t, plain)), "no text has become an element")
}

func TestPlotShowsOneFailureAmongHundreds(t *testing.T) {
	t.Parallel()
	d := report.New(report.Section{ID: "a", Title: "a", Parts: []report.Part{{Plot: &report.Plot{Panels: []report.Panel{{
		Style: report.StyleSteps,
		Lines: []report.Line{
			{Role: report.RoleMain, Points: [][2]float64{{0, 10000}, {1, 10000}}},
			{Role: report.RoleBad, Points: [][2]float64{{0, 1}, {1, 0}}},
		},
	}}}}}})
	page, err := report.Page(d)
	require.NoError(t, err)
	// From the bottom of the panel, 160, up by at least four units.
	assert.Contains(t, string(page), `<path class="bad steps" d="M58 160V156H988V160Z"/>`)
}

func TestEmptyPlotsAreDrawn(t *testing.T) {
	t.Parallel()
	d := report.New(report.Section{ID: "a", Title: "a", Parts: []report.Part{
		{Plot: &report.Plot{}},
		{Plot: &report.Plot{Panels: []report.Panel{{Lines: []report.Line{{}}}}}},
		{Plot: &report.Plot{Panels: []report.Panel{{Lines: []report.Line{{Points: [][2]float64{{5, 0}}}}}}}},
		{Bars: &report.Bars{Bars: []report.Bar{{}}}},
		{Table: &report.Table{}},
	}})
	page, err := report.Page(d)
	require.NoError(t, err)
	assert.NotContains(t, string(page), "NaN")
	assert.NotContains(t, string(page), "Inf")
	wellFormed(t, page)
}
