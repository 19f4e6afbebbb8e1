package dodoks

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/deploy"
	"escala/infra/workspace"
)

// TestChartsOfAnotherProject checks that the charts are written beside the state in
// a project of its own, and are read from their own folder in the clone.
func TestChartsOfAnotherProject(t *testing.T) {
	root := t.TempDir()
	d := deployment{Component: &deploy.Component{Request: deploy.Request{
		State: filepath.Join(root, ".escala"), Home: workspace.Home{Folder: root},
	}}}
	path, err := d.chart(traefikChartFile)
	require.NoError(t, err)
	assert.Equal(t, "./targets/dodoks/charts/"+traefikChartFile, path)

	d.Request.Home.Folder = "/elsewhere"
	path, err = d.chart(traefikChartFile)
	require.NoError(t, err)
	assert.Equal(t, "./.escala/charts/"+traefikChartFile, path)
	want, err := os.ReadFile(filepath.Join("charts", traefikChartFile))
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	assert.Equal(t, want, got)
}
