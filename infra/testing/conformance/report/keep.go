package report

import (
	"errors"
	"os"
	"path/filepath"
)

// Keep adds sections to the report in folder, beside those of other runs, and
// writes it as report.json and report.md. It returns the path of report.md.
func Keep(folder string, sections ...Section) (path string, err error) {
	data := filepath.Join(folder, "report.json")
	d := New(sections...)
	before, err := Read(data)
	switch {
	case err == nil:
		d = Merge(before, d)
	case !errors.Is(err, os.ErrNotExist):
		return "", err
	}
	if err := Write(data, d); err != nil {
		return "", err
	}
	path = filepath.Join(folder, "report.md")
	return path, replaceFile(path, []byte(Markdown(d)))
}
