package report_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/conformance/report"
)

func TestWrittenIsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "deep", "report.json")
	want := everything()
	require.NoError(t, report.Write(path, want))
	got, err := report.Read(path)
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for text, why := range map[string]string{
		`{"schema":2,"sections":[]}`: "schema: is 2, want 1",
		`{"schema":1,`:               "unexpected end of JSON",
	} {
		path := filepath.Join(t.TempDir(), "report.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := report.Read(path)
		require.ErrorContains(t, err, why)
	}
	_, err := report.Read(filepath.Join(t.TempDir(), "none"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestValidateSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	d := report.New(
		report.Section{ID: "Bad ID", Title: "t"},
		report.Section{ID: "a", Title: "t"},
		report.Section{ID: "a", Parts: []report.Part{
			{Table: &report.Table{Columns: []report.Column{{}, {}}, Rows: []report.Row{{Cells: []report.Cell{{}}}}}},
		}},
	)
	err := d.Validate()
	for _, want := range []string{
		`sections[0].id: "Bad ID", want lower-case`,
		`sections[2].id: "a" is there twice`,
		`sections[2].title: is empty`,
		`sections[2].parts[0].table.rows[0]: has 1 cells for 2 columns`,
	} {
		assert.ErrorContains(t, err, want)
	}
}

func TestMergeKeepsTheLaterOfOneID(t *testing.T) {
	t.Parallel()
	merged := report.Merge(
		report.New(report.Section{ID: "a", Title: "old"}, report.Section{ID: "b", Title: "b"}),
		report.New(report.Section{ID: "a", Title: "new"}, report.Section{ID: "c", Title: "c"}),
	)
	require.Len(t, merged.Sections, 3)
	assert.Equal(t, "new", merged.Sections[0].Title)
	assert.Equal(t, "c", merged.Sections[2].Title)
}

func TestRunSaysWhereItWas(t *testing.T) {
	t.Parallel()
	r := report.StartWatch().Run(t.Context(), t.TempDir(), "make it")
	assert.Positive(t, r.Machine.CPUs)
	assert.Positive(t, r.Machine.MemoryMiB)
	assert.NotEmpty(t, r.Machine.OS)
	assert.NotEmpty(t, r.Machine.Kernel)
	assert.Empty(t, r.Commit, "a folder that is no clone has none")
	assert.GreaterOrEqual(t, r.Machine.CPUWaited, 0.0)
	assert.Equal(t, "make it", r.Command)
}
