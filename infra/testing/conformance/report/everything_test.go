package report_test

import (
	"time"

	"escala/infra/testing/conformance/report"
)

// everything returns a document with every kind of element.
func everything() report.Document {
	return report.New(
		report.Section{
			ID: "conformance-local", Title: "Releases and faults: local",
			Lead:    "A machine under a steady load, while it is released to, broken and mended.",
			Verdict: report.Fail,
			Run: report.Run{
				Made: time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC), Seconds: 312.5,
				Command: "make conformance TARGET=local", Commit: "0123456789abcdef0123456789abcdef01234567", Changed: true,
				Machine: report.Machine{
					CPUs: 2, Processor: "A Processor", MemoryMiB: 24105, OS: "Debian GNU/Linux 12 (bookworm)",
					Kernel: "6.1.0", Go: "go1.26 linux/amd64", LoadBefore: 0.5, LoadAfter: 1.5, CPUWaited: 0.07,
				},
			},
			Facts: []report.Fact{
				{Value: "0", Label: "failed requests in 20 releases", Verdict: report.Pass},
				{Value: "152,311", Label: "requests"},
				{Value: "1", Label: "budget missed", Verdict: report.Fail},
			},
			Parts: []report.Part{
				{Title: "Checks", Text: "What was done.\n\nAnd what came of it.", Table: &report.Table{
					Columns: []report.Column{{Title: "check"}, {Title: "requests", Number: true}, {Title: "verdict"}},
					Rows: []report.Row{
						{Cells: []report.Cell{{Text: "20 releases | all", Note: "one after the other"}, {Text: "90,000"}, {Text: "met", Verdict: report.Pass}}},
						{Cells: []report.Cell{{Text: "kill Nginx"}, {Text: "1,000", Verdict: report.Fail}, {Text: "missed", Verdict: report.Fail}}},
						{Cells: []report.Cell{{Text: "reboot"}, {Text: ""}, {Text: "there is no machine", Verdict: report.NotApplicable}}},
					},
				}},
			},
		},
		report.Section{
			ID: "bench", Title: "Beside the tutorial's stack", Lead: "Both in one run.",
		},
	)
}
