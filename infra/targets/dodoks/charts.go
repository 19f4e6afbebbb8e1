package dodoks

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
)

// charts is the folder of the charts in the clone (see charts/README.md). It is
// relative to infra/, where Pulumi runs.
const charts = "./targets/dodoks/charts/"

//go:embed charts/*.tgz
var chartFiles embed.FS

// chart returns the path of a chart's archive, relative to the folder in which
// Pulumi runs. In a project other than the clone, the archive is written to the
// state folder. A preview writes it too, because the provider reads it.
func (d deployment) chart(file string) (string, error) {
	r := d.Request
	root := filepath.Dir(r.State)
	if r.Home.Folder == "" || r.Home.Folder == root {
		return charts + file, nil
	}
	content, err := chartFiles.ReadFile("charts/" + file)
	if err != nil {
		return "", fmt.Errorf("reading the chart %s: %w", file, err)
	}
	folder := filepath.Join(r.State, "charts")
	path := filepath.Join(folder, file)
	if there, err := os.ReadFile(path); err != nil || !bytes.Equal(there, content) {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return "", fmt.Errorf("writing the chart %s: %w", file, err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return "", fmt.Errorf("writing the chart %s: %w", file, err)
		}
	}
	relative, err := filepath.Rel(root, path)
	if err != nil {
		return "", fmt.Errorf("writing the chart %s: %w", file, err)
	}
	return "./" + filepath.ToSlash(relative), nil
}
