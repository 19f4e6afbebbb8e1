package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"escala/service"
)

// New returns a document of these sections.
func New(sections ...Section) Document { return Document{Schema: Schema, Sections: sections} }

// Merge combines documents. Of two sections with one ID, the later document's
// section replaces the earlier one.
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

// Write validates the document and writes it to a file atomically.
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

var identifier = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)

// Validate reports all invalid parts at once.
func (d Document) Validate() error {
	var v service.Violations
	if d.Schema != Schema {
		v.Add("schema", "is %d, want %d", d.Schema, Schema)
	}
	seen := map[string]bool{}
	for i, s := range d.Sections {
		path := fmt.Sprintf("sections[%d]", i)
		if !identifier.MatchString(s.ID) {
			v.Add(path+".id", "%q, want lower-case letters, digits and hyphens, a letter first", s.ID)
		}
		if seen[s.ID] {
			v.Add(path+".id", "%q is there twice", s.ID)
		}
		seen[s.ID] = true
		if s.Title == "" {
			v.Add(path+".title", "is empty")
		}
		for j, p := range s.Parts {
			if p.Table == nil {
				continue
			}
			for k, row := range p.Table.Rows {
				if len(row.Cells) != len(p.Table.Columns) {
					v.Add(fmt.Sprintf("%s.parts[%d].table.rows[%d]", path, j, k), "has %d cells for %d columns", len(row.Cells), len(p.Table.Columns))
				}
			}
		}
	}
	return v.Err()
}
