// Package report is what a measurement leaves behind: a document of sections
// that is kept as JSON and shown as one HTML page that needs nothing else, no
// network, no other file.
//
// Whatever measures (the conformance suite, the benchmarks) makes a Section and
// writes a Document with Write; Merge puts the documents of several runs
// together, and Page shows one:
//
//	go run ./infra/testing/conformance/cmd/report -html report.html suite.json bench.json
//
// Everything in a section is text and numbers: the page decides on colours,
// fonts and sizes, and escapes all text.
package report

import "time"

// Schema is the version of the JSON. A reader refuses another one.
const Schema = 1

// Document is a whole report.
type Document struct {
	// Schema is the constant of that name.
	Schema int `json:"schema"`
	// Sections are shown in this order, each with a place in the contents.
	Sections []Section `json:"sections"`
}

// Section is what one run measured.
type Section struct {
	// ID is the section's anchor, and its identity: of two with one ID, Merge
	// keeps the later. Lower-case letters, digits and hyphens, a letter first.
	ID string `json:"id"`
	// Title heads the section: a few words.
	Title string `json:"title"`
	// Lead says in one to three sentences what was measured and how, for
	// somebody who knows neither the project nor its code.
	Lead string `json:"lead"`
	// Run says when, where and of what.
	Run Run `json:"run"`
	// Verdict of the whole section; VerdictNone where there is nothing to miss.
	Verdict Verdict `json:"verdict,omitempty"`
	// Facts are the section's headline: two to six figures, the most telling
	// first.
	Facts []Fact `json:"facts,omitempty"`
	// Parts follow in this order.
	Parts []Part `json:"parts,omitempty"`
}

// Run is where a section comes from. Watch fills it in.
type Run struct {
	// Made is when the run ended, in UTC; Seconds is how long it took.
	Made    time.Time `json:"made"`
	Seconds float64   `json:"seconds"`
	// Command is how to repeat it: "make conformance TARGET=local".
	Command string `json:"command,omitempty"`
	// Commit is the sources' commit; Changed says that there were changes that
	// were not committed.
	Commit  string `json:"commit,omitempty"`
	Changed bool   `json:"changed,omitempty"`
	// Machine is what it ran on.
	Machine Machine `json:"machine"`
}

// Machine is the computer of a run, and how busy it was with other things.
type Machine struct {
	CPUs      int    `json:"cpus"`
	Processor string `json:"processor,omitempty"`
	MemoryMiB int    `json:"memory_mib,omitempty"`
	OS        string `json:"os,omitempty"`
	Kernel    string `json:"kernel,omitempty"`
	Go        string `json:"go,omitempty"`
	// LoadBefore and LoadAfter are the load average over a minute when the run
	// began and when it ended.
	LoadBefore float64 `json:"load_before"`
	LoadAfter  float64 `json:"load_after"`
	// CPUWaited is the share of the run, 0 to 1, in which something that could
	// run had to wait for a processor (/proc/pressure/cpu, "some"). Well above
	// 0.3, latencies tell of the machine and not of what was measured.
	CPUWaited float64 `json:"cpu_waited"`
}

// Verdict says whether a figure is as it should be.
type Verdict string

const (
	// VerdictNone says that there is nothing to be met.
	VerdictNone Verdict = ""
	// Pass says that the goal or budget is met.
	Pass Verdict = "pass"
	// Fail says that it is missed.
	Fail Verdict = "fail"
	// NotApplicable says that there is no such thing here.
	NotApplicable Verdict = "na"
)

// Fact is one figure of a headline: Value "0", Label "failed requests".
type Fact struct {
	Value   string  `json:"value"`
	Label   string  `json:"label"`
	Verdict Verdict `json:"verdict,omitempty"`
}

// Part is a piece of a section: a title, a text, and at most one of a table, a
// plot and bars.
type Part struct {
	Title string `json:"title,omitempty"`
	// Text explains, in whole sentences. A blank line begins a new paragraph.
	Text string `json:"text,omitempty"`
	// Folded shows only the title until a reader opens it: for details.
	Folded bool   `json:"folded,omitempty"`
	Table  *Table `json:"table,omitempty"`
	Plot   *Plot  `json:"plot,omitempty"`
	Bars   *Bars  `json:"bars,omitempty"`
}

// Table is rows of text. Each row has as many cells as there are columns.
type Table struct {
	Columns []Column `json:"columns"`
	Rows    []Row    `json:"rows"`
}

// Column heads a table's column.
type Column struct {
	Title string `json:"title"`
	// Number aligns the column's cells to the right.
	Number bool `json:"number,omitempty"`
}

// Row is one line of a table.
type Row struct {
	Cells []Cell `json:"cells"`
	// Link is the ID of a part's plot to lead to, if any (Plot.ID).
	Link string `json:"link,omitempty"`
}

// Cell is one field of a table.
type Cell struct {
	Text string `json:"text"`
	// Note stands below the text, smaller.
	Note string `json:"note,omitempty"`
	// Verdict marks the cell, with a sign and not only by colour.
	Verdict Verdict `json:"verdict,omitempty"`
}

// Role chooses the colour of a line or a bar, in light and dark alike.
type Role string

const (
	// RoleMain is what was measured: ours.
	RoleMain Role = "main"
	// RoleOther is what it is held against: theirs.
	RoleOther Role = "other"
	// RoleThird is a second thing that it is held against.
	RoleThird Role = "third"
	// RoleBad is failures.
	RoleBad Role = "bad"
)

// Plot is one or more panels above each other over one common x axis.
type Plot struct {
	// ID is an anchor for a Row's Link; optional, of the same letters as
	// Section.ID and unique in the document.
	ID string `json:"id,omitempty"`
	// XLabel with its unit: "seconds since the check began".
	XLabel string  `json:"x_label"`
	Panels []Panel `json:"panels"`
	// Marks are vertical lines through all panels: a release, a kill.
	Marks []Mark `json:"marks,omitempty"`
}

// Style is how a panel draws its lines.
type Style string

const (
	// StyleLine joins the points.
	StyleLine Style = "line"
	// StyleSteps draws each point as a bar up to the next point's x: counts per
	// interval.
	StyleSteps Style = "steps"
)

// Panel is one y axis, from 0 up.
type Panel struct {
	// Label with its unit: "requests/s".
	Label string `json:"label"`
	// Style is StyleLine if empty.
	Style Style  `json:"style,omitempty"`
	Lines []Line `json:"lines"`
}

// Line is a series of points, ordered by x.
type Line struct {
	Name   string       `json:"name"`
	Role   Role         `json:"role"`
	Points [][2]float64 `json:"points"`
}

// Mark is a moment.
type Mark struct {
	X     float64 `json:"x"`
	Label string  `json:"label"`
}

// Bars compares figures of one unit: a bar each, the longest as wide as the
// page. Values are 0 or more.
type Bars struct {
	// Unit stands behind each value: "ms".
	Unit string `json:"unit,omitempty"`
	// Better says which way is good, in a word or two: "less is better".
	Better string `json:"better,omitempty"`
	Bars   []Bar  `json:"bars"`
}

// Bar is one figure.
type Bar struct {
	Label string  `json:"label"`
	Value float64 `json:"value"`
	// Text is the value for people, without the unit. Empty: the value in at
	// most four digits.
	Text string `json:"text,omitempty"`
	Role Role   `json:"role"`
}
