// Command pm2 measures the service beside the tutorial's own stack:
//
//	make bench-tutorial
//
// It exits with 1 if a goal is missed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"escala/infra/testing/bench/pm2"
	"escala/infra/testing/conformance/report"
	"escala/infra/workspace"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	met, err := run(ctx, os.Args[1:])
	stop()
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
	if err != nil || !met {
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (met bool, err error) {
	root, err := workspace.Root()
	if err != nil {
		return false, err
	}
	o := pm2.NewOptions()
	o.Root, o.State = root, filepath.Join(root, ".escala")
	o.Folder = filepath.Join(o.State, "tutorial")
	o.Progress = func(line string) { fmt.Fprintln(os.Stderr, line) }
	out := filepath.Join(o.State, "report")
	f := flag.NewFlagSet("pm2", flag.ContinueOnError)
	f.IntVar(&o.Workers, "workers", o.Workers, "workers of each stack")
	f.IntVar(&o.Starts, "starts", o.Starts, "how often one worker is started")
	f.IntVar(&o.Rounds, "rounds", o.Rounds, "rounds for each way to the workers")
	f.DurationVar(&o.Round, "round", o.Round, "length of a round")
	f.IntVar(&o.Connections, "connections", o.Connections, "concurrent kept connections")
	f.Float64Var(&o.Rate, "rate", o.Rate, "quick requests per second while workers are replaced or killed")
	f.DurationVar(&o.Rest, "rest", o.Rest, "pause after some load, until memory is looked at once more")
	f.IntVar(&o.Times, "times", o.Times, "how often workers are replaced, and one is killed")
	f.IntVar(&o.Machines, "machines", o.Machines, "fresh machines of each kind that are set up; 0 for none")
	f.BoolVar(&o.OnlyMachines, "only-machines", false, "measure nothing but the machines")
	f.StringVar(&out, "out", out, "folder for report.md, report.json and tutorial.json")
	if err := f.Parse(args); err != nil {
		return false, err
	}
	watch := report.StartWatch()
	result, failed := pm2.Run(ctx, o)
	if failed != nil && len(result.Goals) == 0 {
		return false, failed
	}
	command := "make bench-tutorial"
	if len(args) > 0 {
		command += fmt.Sprintf(" ARGS=%q", strings.Join(args, " "))
	}
	section := result.Section(watch.Run(context.WithoutCancel(ctx), root, command))
	if err := addToReport(out, result, section); err != nil {
		return false, errors.Join(failed, err)
	}
	return result.Met(), errors.Join(failed, pm2.Print(os.Stdout, section))
}

// addToReport adds the section to the existing report, beside those of other runs, and
// stores all figures of this run.
func addToReport(folder string, result pm2.Result, section report.Section) error {
	if _, err := report.Keep(folder, section); err != nil {
		return err
	}
	all, err := json.MarshalIndent(result, "", " ")
	if err != nil {
		return fmt.Errorf("encoding the figures: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "tutorial.json"), all, 0o644); err != nil {
		return fmt.Errorf("keeping the figures: %w", err)
	}
	return nil
}
