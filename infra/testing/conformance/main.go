package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"escala/infra/testing/conformance/report"
	"escala/infra/workspace"
)

// Main is the whole command of a target. It reads the flags, runs all checks on
// the system that open returns for the clone at root, and writes the report. It
// returns the exit status: 1 if a budget was missed or the run failed.
func Main(open func(ctx context.Context, root string) (System, error)) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	met, err := runCommand(ctx, open, os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 2
	case err != nil:
		fmt.Fprintln(os.Stderr, "\nerror: "+err.Error())
		return 1
	case !met:
		return 1
	}
	return 0
}

func runCommand(ctx context.Context, open func(context.Context, string) (System, error), args []string) (met bool, err error) {
	root, err := workspace.Root()
	if err != nil {
		return false, err
	}
	o := NewOptions()
	o.Progress = func(line string) { fmt.Println(line) }
	var only, folder string
	f := flag.NewFlagSet("conformance", flag.ContinueOnError)
	f.IntVar(&o.Counts.Releases, "releases", o.Counts.Releases, "how many releases to roll out")
	f.IntVar(&o.Counts.Kills, "kills", o.Counts.Kills, "how often to kill a worker")
	f.IntVar(&o.Counts.FollowerKills, "follower-kills", o.Counts.FollowerKills, "in how many releases to kill the follower")
	f.IntVar(&o.Counts.WebSockets, "websockets", o.Counts.WebSockets, "how many WebSockets to open at once")
	f.DurationVar(&o.Counts.StoreAway, "store-away", o.Counts.StoreAway, "how long the release store is unreachable")
	f.Float64Var(&o.Rate, "rate", o.Rate, "quick requests per second")
	f.StringVar(&only, "only", "", "a regular expression: only the checks whose name it matches (releases, bad-…, rollback, kill-…, often-…, reboot, disk-full, store-away, …)")
	f.StringVar(&folder, "out", filepath.Join(root, ".escala", "report"), "folder for the report: report.md, report.json and all figures of this run")
	if err := f.Parse(args); err != nil {
		return false, err
	}
	if only != "" {
		if o.Counts.Only, err = regexp.Compile(only); err != nil {
			return false, fmt.Errorf("-only: %w", err)
		}
	}
	system, err := open(ctx, root)
	if err != nil {
		return false, err
	}
	watch := report.StartWatch()
	result, failed := Run(ctx, system, o)
	command := "make conformance TARGET=" + system.Name()
	if len(args) > 0 {
		command += fmt.Sprintf(" ARGS=%q", strings.Join(args, " "))
	}
	path, err := addToReport(folder, result, watch.Run(context.WithoutCancel(ctx), root, command))
	if err != nil {
		return false, errors.Join(failed, err)
	}
	if missed := result.Missed(); len(missed) > 0 {
		fmt.Printf("\nmissed: %s\n", strings.Join(missed, "; "))
	}
	if overloaded := result.Overloaded(); len(overloaded) > 0 {
		fmt.Printf("\noverloaded, so nothing is proven: %s; run it again when this computer has nothing else to do\n", strings.Join(overloaded, "; "))
	}
	fmt.Printf("report: %s\n", path)
	return len(result.Missed())+len(result.Overloaded()) == 0 && len(result.Outcomes) > 0, failed
}

// addToReport writes the result into the folder. It adds the section to the existing
// report, beside the sections of other runs, and writes all counters to a file
// of their own.
func addToReport(folder string, result Result, run report.Run) (path string, err error) {
	if path, err = report.Keep(folder, result.Section(run)); err != nil {
		return "", err
	}
	all, err := json.Marshal(result)
	if err != nil {
		return "", fmt.Errorf("encoding the result: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "conformance-"+result.Target+".json"), all, 0o644); err != nil {
		return "", fmt.Errorf("keeping the result: %w", err)
	}
	return path, nil
}
