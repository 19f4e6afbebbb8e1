package report

import (
	"errors"
	"os"
	"path/filepath"
)

// Keep puts sections into the report in folder, beside those that other runs
// left there, and returns the path of its page.
func Keep(folder string, sections ...Section) (page string, err error) {
	path := filepath.Join(folder, "report.json")
	d := New(sections...)
	before, err := Read(path)
	switch {
	case err == nil:
		d = Merge(before, d)
	case !errors.Is(err, os.ErrNotExist):
		return "", err
	}
	if err := Write(path, d); err != nil {
		return "", err
	}
	page = filepath.Join(folder, "report.html")
	return page, WritePage(page, d)
}
