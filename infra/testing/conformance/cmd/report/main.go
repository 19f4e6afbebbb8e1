// Command report puts the reports of several runs together and shows them as
// one page:
//
//	go run ./infra/testing/conformance/cmd/report -html report.html [-json report.json] FILE.json…
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"escala/infra/testing/conformance/report"
)

func main() {
	page := flag.String("html", "", "file to write the page to")
	all := flag.String("json", "", "file to write everything to as one JSON")
	flag.Parse()
	if err := run(*page, *all, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "error: "+err.Error())
		os.Exit(1)
	}
}

func run(page, all string, files []string) error {
	if len(files) == 0 || page == "" && all == "" {
		return errors.New("usage: report -html FILE.html [-json FILE.json] FILE.json…")
	}
	var documents []report.Document
	for _, file := range files {
		d, err := report.Read(file)
		if err != nil {
			return err
		}
		documents = append(documents, d)
	}
	merged := report.Merge(documents...)
	if all != "" {
		if err := report.Write(all, merged); err != nil {
			return err
		}
	}
	if page != "" {
		return report.WritePage(page, merged)
	}
	return nil
}
