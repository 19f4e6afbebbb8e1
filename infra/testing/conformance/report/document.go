// Package report keeps the result of a measurement: a document of sections, as JSON
// for programs and as Markdown for people.
//
// The conformance suite and the benchmarks each make a Section and call Keep, which
// writes report.json and report.md beside the sections of other runs. The figures
// over time are in the JSON that each run writes of its own.
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

// Verdict reports whether a figure is as it should be.
type Verdict string

const (
	// VerdictNone says that there is nothing to be met.
	VerdictNone Verdict = ""
	// Pass reports that the goal or budget is met.
	Pass Verdict = "pass"
	// Fail reports that it is missed.
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

// Part is a piece of a section: a title, a text, a table.
type Part struct {
	Title string `json:"title,omitempty"`
	// Text explains, in whole sentences. A blank line begins a new paragraph.
	Text  string `json:"text,omitempty"`
	Table *Table `json:"table,omitempty"`
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
}

// Cell is one field of a table.
type Cell struct {
	Text string `json:"text"`
	// Note stands below the text, smaller.
	Note string `json:"note,omitempty"`
	// Verdict marks the cell, with a sign and not only by colour.
	Verdict Verdict `json:"verdict,omitempty"`
}
