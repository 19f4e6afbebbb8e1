package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"escala/infra/testing/loadgen"
)

// Options configures a run of the suite. Make them with NewOptions.
type Options struct {
	Counts Counts
	// Rate is the number of quick requests per second in the load. Default 500.
	Rate float64
	// Progress receives a line for each check that begins and for each outcome.
	// Default: no output.
	Progress func(line string)
}

// NewOptions returns the defaults.
func NewOptions() Options {
	return Options{Counts: NewCounts(), Rate: loadgen.NewMix().Rate, Progress: func(string) {}}
}

// Result holds the outcomes of all checks of one system.
type Result struct {
	// Target is the system's name. About describes the system.
	Target string `json:"target"`
	About  string `json:"about"`
	// SelfTest is the load generator's count from a test against a server that
	// fails on purpose.
	SelfTest string    `json:"self_test"`
	Outcomes []Outcome `json:"outcomes"`
	// Load holds all counters of the load.
	Load *loadgen.Result `json:"load"`
}

// Missed returns the titles of the checks that missed their budget.
func (r Result) Missed() []string {
	var missed []string
	for _, o := range r.Outcomes {
		if o.Missed() {
			missed = append(missed, o.Title)
		}
	}
	return missed
}

// Overloaded returns the titles of the checks that prove nothing because this
// computer was too busy to send the load.
func (r Result) Overloaded() []string {
	var overloaded []string
	for _, o := range r.Outcomes {
		if o.Overload != "" {
			overloaded = append(overloaded, o.Title)
		}
	}
	return overloaded
}

// Run starts a system, runs all checks on it under one load and stops it. An
// error means that the run itself failed. The findings of the checks are in the
// result, which is also returned, as far as it goes, beside an error.
func Run(ctx context.Context, system System, o Options) (result Result, err error) {
	result.Target = system.Name()
	if result.SelfTest, err = loadgen.SelfTest(ctx); err != nil {
		return result, err
	}
	o.Progress("the load sees failures: " + result.SelfTest)
	defer func() {
		o.Progress("taking " + system.Name() + " down")
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
		defer cancel()
		if stopped := system.Stop(ending); stopped != nil {
			err = errors.Join(err, fmt.Errorf("taking %s down: %w", system.Name(), stopped))
		}
	}()
	o.Progress("bringing " + system.Name() + " up")
	endpoint, err := system.Start(ctx)
	if err != nil {
		return result, fmt.Errorf("bringing %s up: %w", system.Name(), err)
	}
	result.About = endpoint.About
	return result, result.runChecks(ctx, system, endpoint, o)
}

// runChecks runs all checks on a running system.
func (r *Result) runChecks(ctx context.Context, system System, endpoint Endpoint, o Options) error {
	options := loadgen.NewOptions(endpoint.URL)
	options.Host = endpoint.Host
	options.MaxDuration = 3 * time.Hour
	mix := loadgen.NewMix()
	mix.Rate = o.Rate
	options.Streams = mix.Streams()
	clients := uint64(0)
	if endpoint.Rooms {
		sockets := loadgen.NewSockets()
		options.Sockets = &sockets
		clients = uint64(sockets.Rooms * sockets.ClientsPerRoom)
	}
	sending, stop := context.WithCancel(ctx)
	defer stop()
	g, err := loadgen.Start(sending, options)
	if err != nil {
		return fmt.Errorf("starting the load: %w", err)
	}
	began := time.Now()
	if _, _, err := waitNormal(ctx, system, g, clients, began, "", false); err != nil {
		return fmt.Errorf("before the first check: %w", err)
	}
	names, roll := 0, time.Duration(0)
	checks := Checks(o.Counts)
	for i := range checks {
		checks[i].Budget = checks[i].Budget.on(endpoint)
	}
	broken := false // by a bad release, which the check "mend" ends
	for _, check := range checks {
		if !o.Counts.wants(check) && (check.ID != mendID || !broken) {
			continue
		}
		broken = broken || strings.HasPrefix(check.ID, badPrefix)
		t := &checkRun{
			check: check, system: system, endpoint: endpoint, load: g, clients: clients, names: &names, roll: &roll,
			outcome: &Outcome{ID: check.ID, Title: check.Title, What: check.What, Budget: check.Budget.String()},
		}
		t.run(ctx, check)
		r.Outcomes = append(r.Outcomes, *t.outcome)
		o.Progress(t.outcome.String())
		if ctx.Err() != nil {
			break
		}
	}
	stop()
	r.Load, err = g.Wait()
	return errors.Join(err, ctx.Err())
}

// run executes a check and fills in its outcome.
func (r *checkRun) run(ctx context.Context, check Check) {
	from := r.load.Mark(check.Title)
	err := check.do(ctx, r)
	if reason, no := IsNotApplicable(err); no {
		r.outcome.NotApplicable = reason
		return
	}
	pause(ctx, quietTime) // requests that are under way belong to this check
	r.outcome.count(from, r.load.Snapshot(), r.load.Start())
	if err != nil {
		r.outcome.Problems = append(r.outcome.Problems, err.Error())
	}
	r.outcome.judge(check.Budget)
}
