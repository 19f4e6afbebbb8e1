package report_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/conformance/report"
)

var update = flag.Bool("update", false, "write the golden file anew")

func TestMarkdownIsAsItWas(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("testdata", "report.md")
	got := report.Markdown(everything())
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

func TestKeepLeavesOtherSections(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, id := range []string{"a", "b", "a"} {
		path, err := report.Keep(folder, report.Section{ID: id, Title: "section " + id})
		require.NoError(t, err)
		assert.Equal(t, filepath.Join(folder, "report.md"), path)
	}
	text, err := os.ReadFile(filepath.Join(folder, "report.md"))
	require.NoError(t, err)
	assert.Regexp(t, `(?s)^# section a\n.*\n# section b\n`, string(text))
	d, err := report.Read(filepath.Join(folder, "report.json"))
	require.NoError(t, err)
	assert.Len(t, d.Sections, 2)
}
