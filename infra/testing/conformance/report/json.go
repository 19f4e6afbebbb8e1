package report

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"escala/service"
)

// New returns a document of these sections.
func New(sections ...Section) Document { return Document{Schema: Schema, Sections: sections} }

// Merge puts documents together. Of two sections with one ID the later
// document's takes the place of the earlier's.
func Merge(documents ...Document) Document {
	merged := New()
	for _, d := range documents {
		for _, s := range d.Sections {
			i := slices.IndexFunc(merged.Sections, func(t Section) bool { return t.ID == s.ID })
			if i < 0 {
				merged.Sections = append(merged.Sections, s)
			} else {
				merged.Sections[i] = s
			}
		}
	}
	return merged
}

// Write validates the document and writes it to a file, whole or not at all.
func Write(path string, d Document) error {
	if err := d.Validate(); err != nil {
		return fmt.Errorf("this report cannot be kept: %w", err)
	}
	text, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		return fmt.Errorf("encoding the report: %w", err)
	}
	return replaceFile(path, append(text, '\n'))
}

// Read reads and validates a document.
func Read(path string) (Document, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Document{}, fmt.Errorf("reading a report: %w", err)
	}
	var d Document
	if err := json.Unmarshal(text, &d); err != nil {
		return Document{}, fmt.Errorf("reading the report %s: %w", path, err)
	}
	if err := d.Validate(); err != nil {
		return Document{}, fmt.Errorf("the report %s cannot be used: %w", path, err)
	}
	return d, nil
}

func replaceFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making the report's folder: %w", err)
	}
	if err := os.WriteFile(path+".new", content, 0o644); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

var anchor = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)

// Validate reports everything that cannot be shown, at once.
func (d Document) Validate() error {
	var v service.Violations
	if d.Schema != Schema {
		v.Add("schema", "is %d, want %d", d.Schema, Schema)
	}
	anchors := map[string]bool{}
	claim := func(path, id string) {
		if !anchor.MatchString(id) {
			v.Add(path, "%q, want lower-case letters, digits and hyphens, a letter first", id)
		}
		if anchors[id] {
			v.Add(path, "%q is there twice", id)
		}
		anchors[id] = true
	}
	for i, s := range d.Sections {
		path := fmt.Sprintf("sections[%d]", i)
		claim(path+".id", s.ID)
		if s.Title == "" {
			v.Add(path+".title", "is empty")
		}
		for j, p := range s.Parts {
			path := fmt.Sprintf("%s.parts[%d]", path, j)
			if p.Plot != nil && p.Plot.ID != "" {
				claim(path+".plot.id", p.Plot.ID)
			}
			v = append(v, p.violations().Under(path)...)
		}
	}
	return v.Err()
}

func (p Part) violations() service.Violations {
	var v service.Violations
	kinds := 0
	if p.Table != nil {
		kinds++
		for i, row := range p.Table.Rows {
			if len(row.Cells) != len(p.Table.Columns) {
				v.Add(fmt.Sprintf("table.rows[%d]", i), "has %d cells for %d columns", len(row.Cells), len(p.Table.Columns))
			}
		}
	}
	if p.Plot != nil {
		kinds++
		for i, panel := range p.Plot.Panels {
			for j, line := range panel.Lines {
				path := fmt.Sprintf("plot.panels[%d].lines[%d]", i, j)
				last := math.Inf(-1)
				for _, point := range line.Points {
					if !finite(point[0]) || !finite(point[1]) || point[0] < last {
						v.Add(path, "has a point %v that is no number, or out of order", point)
						break
					}
					last = point[0]
				}
			}
		}
	}
	if p.Bars != nil {
		kinds++
		for i, b := range p.Bars.Bars {
			if !finite(b.Value) || b.Value < 0 {
				v.Add(fmt.Sprintf("bars.bars[%d].value", i), "%v, want 0 or more", b.Value)
			}
		}
	}
	if kinds > 1 {
		v.Add("", "has more than one of table, plot and bars")
	}
	return v
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
