// Package report stores the result of a measurement: a document of sections, as
// JSON for programs and as Markdown for people.
//
// The conformance suite and the benchmarks each make a Section and call Keep,
// which writes report.json and report.md beside the sections of other runs. The
// time series are in the JSON files that each run writes itself.
package report

import "time"

// Schema is the version of the JSON format. Read refuses any other version.
const Schema = 1

// Document is a whole report.
type Document struct {
	// Schema is the version of the format, always the constant Schema.
	Schema int `json:"schema"`
	// Sections appear in this order, each with an entry in the contents.
	Sections []Section `json:"sections"`
}

// Section is the result of one run.
type Section struct {
	// ID is the section's anchor and identity: of two sections with one ID,
	// Merge keeps the later. It consists of lower-case letters, digits and
	// hyphens and begins with a letter.
	ID string `json:"id"`
	// Title is the section's heading of a few words.
	Title string `json:"title"`
	// Lead describes in one to three sentences what was measured and how, for
	// readers who do not know the project or its code.
	Lead string `json:"lead"`
	// Run describes the time, place and sources of the run.
	Run Run `json:"run"`
	// Verdict is the verdict on the whole section. It is VerdictNone if the
	// section has no goals.
	Verdict Verdict `json:"verdict,omitempty"`
	// Facts are the two to six headline figures, the most important first.
	Facts []Fact `json:"facts,omitempty"`
	// Parts are shown in this order.
	Parts []Part `json:"parts,omitempty"`
}

// Run describes the origin of a section. Watch fills it in.
type Run struct {
	// Made is the end of the run, in UTC. Seconds is its duration.
	Made    time.Time `json:"made"`
	Seconds float64   `json:"seconds"`
	// Command repeats the run: "make conformance TARGET=local".
	Command string `json:"command,omitempty"`
	// Commit is the commit of the sources. Changed reports uncommitted changes.
	Commit  string `json:"commit,omitempty"`
	Changed bool   `json:"changed,omitempty"`
	// Machine is the computer of the run.
	Machine Machine `json:"machine"`
}

// Machine describes the computer of a run and its other load.
type Machine struct {
	CPUs      int    `json:"cpus"`
	Processor string `json:"processor,omitempty"`
	MemoryMiB int    `json:"memory_mib,omitempty"`
	OS        string `json:"os,omitempty"`
	Kernel    string `json:"kernel,omitempty"`
	Go        string `json:"go,omitempty"`
	// LoadBefore and LoadAfter are the one-minute load averages at the start
	// and at the end of the run.
	LoadBefore float64 `json:"load_before"`
	LoadAfter  float64 `json:"load_after"`
	// CPUWaited is the share of the run, 0 to 1, in which a runnable task had
	// to wait for a processor (/proc/pressure/cpu, "some"). Well above 0.3, the
	// latencies describe the machine rather than the measured system.
	CPUWaited float64 `json:"cpu_waited"`
}

// Verdict reports whether a figure meets its goal.
type Verdict string

const (
	// VerdictNone means that there is no goal.
	VerdictNone Verdict = ""
	// Pass means that the goal or budget is met.
	Pass Verdict = "pass"
	// Fail means that the goal or budget is missed.
	Fail Verdict = "fail"
	// NotApplicable means that the goal does not apply here.
	NotApplicable Verdict = "na"
)

// Fact is one figure of a headline: Value "0", Label "failed requests".
type Fact struct {
	Value   string  `json:"value"`
	Label   string  `json:"label"`
	Verdict Verdict `json:"verdict,omitempty"`
}

// Part is a piece of a section: a title, a text and a table.
type Part struct {
	Title string `json:"title,omitempty"`
	// Text explains the part in whole sentences. A blank line begins a new
	// paragraph.
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
	// Note is additional text. Markdown shows it in parentheses after Text.
	Note string `json:"note,omitempty"`
	// Verdict is shown as a sign before the text.
	Verdict Verdict `json:"verdict,omitempty"`
}
