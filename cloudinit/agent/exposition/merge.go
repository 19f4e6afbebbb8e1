// Package exposition merges the answers of several workers into one answer for
// Prometheus, in the text format 0.0.4
// (prometheus.io/docs/instrumenting/exposition_formats).
package exposition

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Scrape is the answer of one worker.
type Scrape struct {
	// Labels are added to each of its series.
	Labels []Label
	Text   []byte
}

// Label is a label's name and value.
type Label struct{ Name, Value string }

// family holds the lines of a metric. The format requires them in one group.
type family struct {
	name string
	// about has the HELP and TYPE lines, from the first worker that has them.
	about   map[string][]byte
	samples []byte
}

// Merge writes the answers as one. Each metric's lines are together, and each series
// has its worker's labels. A label of the program with such a name becomes
// "exported_<name>", as in Prometheus itself. A line that is no sample is an error:
// Prometheus would refuse the whole answer.
func Merge(w io.Writer, all []Scrape) error {
	m := merger{families: map[string]*family{}}
	for _, one := range all {
		if err := m.add(one); err != nil {
			return err
		}
	}
	for _, f := range m.order {
		for _, keyword := range []string{"HELP", "TYPE"} {
			if line := f.about[keyword]; line != nil {
				if _, err := w.Write(line); err != nil {
					return err
				}
			}
		}
		if _, err := w.Write(f.samples); err != nil {
			return err
		}
	}
	return nil
}

type merger struct {
	families map[string]*family
	order    []*family
}

func (m *merger) family(name string) *family {
	f := m.families[name]
	if f == nil {
		f = &family{name: name, about: map[string][]byte{}}
		m.families[name] = f
		m.order = append(m.order, f)
	}
	return f
}

func (m *merger) add(s Scrape) error {
	var now *family // that the lines belong to
	for line := range bytes.Lines(s.Text) {
		line = append(bytes.TrimSpace(line), '\n')
		switch keyword, name := comment(line); {
		case len(line) == 1:
		case keyword != "":
			now = m.family(name)
			if now.about[keyword] == nil {
				now.about[keyword] = line
			}
		case line[0] == '#': // for people
		default:
			name, rest, err := split(line)
			if err != nil {
				return err
			}
			if now == nil || !now.has(name) {
				now = m.family(name)
			}
			now.samples = append(now.samples, name...)
			if now.samples, err = relabel(now.samples, rest, s.Labels); err != nil {
				return fmt.Errorf("%w: %.100q", err, line)
			}
		}
	}
	return nil
}

// has reports whether a series of this name is a part of the metric: a histogram and
// a summary have several.
func (f *family) has(series string) bool {
	rest, ok := strings.CutPrefix(series, f.name)
	return ok && slices.Contains([]string{"", "_bucket", "_sum", "_count", "_total", "_created", "_info"}, rest)
}

// comment returns "HELP" or "TYPE" and the metric of such a line, or "".
func comment(line []byte) (keyword, name string) {
	fields := bytes.Fields(line)
	if len(fields) < 3 || string(fields[0]) != "#" {
		return "", ""
	}
	if keyword = string(fields[1]); keyword != "HELP" && keyword != "TYPE" {
		return "", ""
	}
	return keyword, string(fields[2])
}

// split returns the name of a sample's series, and the rest of the line.
func split(line []byte) (name string, rest []byte, err error) {
	i := bytes.IndexAny(line, "{ \t")
	if i <= 0 || !metricName.Match(line[:i]) {
		return "", nil, fmt.Errorf("this is not a metric: %.100q", line)
	}
	return string(line[:i]), line[i:], nil
}

var metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)

// relabel appends a sample after its name, with more labels.
func relabel(to, rest []byte, more []Label) ([]byte, error) {
	to = append(to, '{')
	for i, l := range more {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(to, l.Name+`="`+l.Value+`"`...)
	}
	if rest[0] != '{' {
		return value(to, rest)
	}
	rest = rest[1:]
	for {
		rest = bytes.TrimLeft(rest, " \t,")
		if len(rest) > 0 && rest[0] == '}' {
			return value(to, rest[1:])
		}
		end := pair(rest)
		if end < 0 {
			return nil, errNoMetric
		}
		if len(to) > 0 && to[len(to)-1] != '{' {
			to = append(to, ',')
		}
		name := bytes.TrimSpace(rest[:bytes.IndexByte(rest, '=')])
		if slices.ContainsFunc(more, func(l Label) bool { return l.Name == string(name) }) {
			to = append(to, "exported_"...)
		}
		to = append(to, rest[:end]...)
		rest = rest[end:]
	}
}

var errNoMetric = errors.New("this is not a metric")

// value appends what follows the labels: a number, and a time if there is one.
func value(to, rest []byte) ([]byte, error) {
	fields := bytes.Fields(rest)
	if len(fields) < 1 || len(fields) > 2 {
		return nil, errNoMetric
	}
	if _, err := strconv.ParseFloat(string(fields[0]), 64); err != nil && !errors.Is(err, strconv.ErrRange) {
		return nil, errNoMetric
	}
	to = append(to, '}')
	for _, one := range fields {
		to = append(append(to, ' '), one...)
	}
	return append(to, '\n'), nil
}

// pair returns the length of a label with its value in quotes, or -1.
func pair(text []byte) int {
	equals := bytes.IndexByte(text, '=')
	if equals <= 0 || bytes.ContainsAny(text[:equals], `"{},`) {
		return -1
	}
	quote := equals + 1
	for quote < len(text) && (text[quote] == ' ' || text[quote] == '\t') {
		quote++
	}
	if quote >= len(text) || text[quote] != '"' {
		return -1
	}
	for i := quote + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}
