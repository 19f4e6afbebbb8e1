// Package gate decides whether an update may go on. It waits until an endpoint
// serves the wanted release on every worker, and gives the reason if it does
// not. Machines of all clouds pass the same gate.
package gate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"escala/service"
	"escala/service/machine"
)

// Gate describes one endpoint to check.
type Gate struct {
	// URL is the endpoint's URL, without a slash at its end.
	URL string
	// Stable is another URL that may already lead to the wanted machine. If it does,
	// URL is not used: once a machine has a stable address, a cloud may take away
	// its own address and assign that to another customer. Optional, and only with
	// Want.Machine.
	Stable string
	// HealthPath is the path that must answer 200 as the wanted release.
	HealthPath string
	// Timeout is the time limit for the whole wait.
	Timeout time.Duration
	// Poll is the time between two checks. Default 500 ms.
	Poll time.Duration
	// StuckTimeout is the time that the machine may report the same failure, which it
	// retries, before the wait gives up. Default 45 s.
	StuckTimeout time.Duration
	// Report is called with what the gate waits for, each time that it changes.
	Report func(string)
	// Stored reads the status that the machine wrote to the release store. The gate
	// uses it while the machine does not answer by HTTP: the store has the reason of
	// a machine that never came up. Optional.
	Stored func(context.Context) (machine.Status, error)
	// Diagnose returns the machine's own report of what is wrong. Optional.
	Diagnose func(context.Context) string
	// Names are the names that need a certificate at the endpoint. The authorities
	// in CA are trusted in addition to those of this computer. Names are set if the
	// stack's address has certificates now, so that a machine without them does not
	// pass. Optional.
	Names []string
	CA    []byte

	// transport replaces the network in tests. Default: this computer's.
	transport http.RoundTripper
	// httpsPort is the port of HTTPS in tests. Default 443.
	httpsPort string
}

// Want describes what the endpoint must serve.
type Want struct {
	Release service.ReleaseID
	// RequestedAt is service.Wanted.RequestedAt of this update. A refusal of an earlier update
	// does not count. 0 if the pointer has no such value.
	RequestedAt int64
	// Workers is the number of workers that must serve the release.
	Workers int
	// Machine is the id, in its cloud, of the machine that must serve the
	// release. Empty accepts any machine.
	Machine string
}

// errRefused means that the machine tried the release and went back to the previous
// one.
var errRefused = errors.New("the machine refused the release")

// Wait returns nil once the endpoint serves the wanted release.
func (g Gate) Wait(ctx context.Context, want Want) error {
	if g.Poll == 0 {
		g.Poll = 500 * time.Millisecond
	}
	if g.StuckTimeout == 0 {
		g.StuckTimeout = 45 * time.Second
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: g.transport}
	if client.Transport == nil {
		// Each check opens a new connection, so that it follows the address to
		// where it leads now.
		client.Transport = &http.Transport{DisableKeepAlives: true, Proxy: nil}
	}
	type checked struct {
		status machine.Status // the status that the machine published
		err    error          // what is missing
	}
	began, inStore := time.Now(), &stored{read: g.Stored, every: max(storedEvery, g.Poll)}
	loop := Awaiting{Timeout: g.Timeout, Poll: g.Poll, StuckTimeout: g.StuckTimeout, Report: g.Report}
	last, took, err := Await(ctx, loop, func(ctx context.Context) (checked, CheckResult) {
		status, err := g.check(ctx, client, g.url(ctx, client, want), want, began, inStore)
		if err == nil {
			return checked{status: status}, CheckResult{Done: true}
		}
		seen := CheckResult{Missing: err.Error(), Final: errors.Is(err, errRefused)}
		if status.Phase == machine.Failing {
			seen.Failure = err.Error()
		}
		return checked{status, err}, seen
	})
	switch {
	case errors.Is(err, ErrMissing):
		return g.failure(ctx, want, last.status, last.err.Error(), took, inStore)
	case err != nil:
		return fmt.Errorf("waiting for release %s: %w", want.Release.Short(), err)
	}
	if trouble := last.status.Trouble(); trouble != "" && g.Report != nil {
		g.Report("serves, but " + trouble)
	}
	return nil
}

// url returns the URL for requests to the wanted machine: g.Stable if it leads
// there, and otherwise g.URL.
func (g Gate) url(ctx context.Context, client *http.Client, want Want) string {
	if g.Stable == "" || want.Machine == "" {
		return g.URL
	}
	// An unassociated address never answers, so give up quickly.
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if status, err := read(ctx, client, g.Stable); err == nil && status.Machine == want.Machine {
		return g.Stable
	}
	return g.URL
}

// read returns the status that a machine publishes.
func read(ctx context.Context, client *http.Client, url string) (machine.Status, error) {
	resp, err := get(ctx, client, url+machine.StatusPath)
	if err != nil {
		return machine.Status{}, fmt.Errorf("%s does not answer yet", url)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return machine.Status{}, fmt.Errorf("%s answers, but is not set up yet", url)
	}
	return machine.Read(resp.Body)
}

// check returns a nil error if url serves what is wanted. Otherwise the error
// describes what is missing.
func (g Gate) check(ctx context.Context, client *http.Client, url string, want Want, began time.Time, inStore *stored) (machine.Status, error) {
	status, err := read(ctx, client, url)
	if err != nil {
		return inStore.fallback(ctx, want, err)
	}
	if want.Machine != "" && status.Machine != want.Machine {
		// Another machine's report does not describe the wanted machine.
		return machine.Status{}, fmt.Errorf("%s reaches another machine than %s", url, want.Machine)
	}
	if status.Phase == machine.Refused && status.Wanted == want.Release && want.RequestedAt != status.RequestedAt && want.RequestedAt != 0 {
		return status, fmt.Errorf("the machine refused release %s before and has not yet seen that it is asked for again: %s", want.Release.Short(), status.Reason)
	}
	if status.Phase == machine.Refused && status.Wanted == want.Release {
		if stale(status, time.Since(began)) {
			return status, fmt.Errorf("the machine refused release %s before and tries it again within %s: %s",
				want.Release.Short(), time.Duration(status.Retry-status.Checked)*time.Second, status.Reason)
		}
		return status, fmt.Errorf("%w: %s", errRefused, status.Reason)
	}
	if ok, missing := status.Serves(want.Release, want.Workers); !ok {
		return status, errors.New(missing)
	}
	// The last check uses the same path as users' requests.
	health, err := get(ctx, client, url+g.HealthPath)
	if err != nil {
		return status, fmt.Errorf("%s%s does not answer", url, g.HealthPath)
	}
	defer health.Body.Close()
	if health.StatusCode != http.StatusOK {
		return status, fmt.Errorf("%s%s answers %s", url, g.HealthPath, health.Status)
	}
	if got := service.ReleaseID(health.Header.Get("X-Release")); got != want.Release {
		return status, fmt.Errorf("%s%s answers as %s", url, g.HealthPath, got.Describe())
	}
	return status, g.certified(ctx, url, status)
}

// refusalGrace is the time before the wait in which a refusal still counts for this
// update. The pointer is written shortly before the wait begins.
const refusalGrace = 3 * time.Second

// stale reports whether the machine refused the release before this wait and
// retries it soon. The cause of that refusal may be gone. waited is the time since
// the wait began.
func stale(status machine.Status, waited time.Duration) bool {
	age, ok := status.SinceRefusal()
	return ok && status.Retry > 0 && age > waited+refusalGrace
}

func get(ctx context.Context, client *http.Client, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return client.Do(req)
}

// failure returns an error with what was wanted, what is served instead, and why.
func (g Gate) failure(ctx context.Context, want Want, status machine.Status, waiting string, took time.Duration, inStore *stored) error {
	var b strings.Builder
	fmt.Fprintf(&b, "release %s does not serve after %s: %s", want.Release.Short(), took.Round(time.Second), strings.TrimPrefix(waiting, errRefused.Error()+": "))
	if status.Current != "" && status.Current != want.Release {
		fmt.Fprintf(&b, "\nrelease %s, which served before, still does, on %d of %d workers", status.Current.Short(), status.ReadyOn(status.Current), len(status.Workers))
	}
	if said := inStore.failure(); said != "" && status.Phase == "" {
		fmt.Fprintf(&b, "\n%s", said)
	}
	if g.Diagnose != nil {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		if said := strings.TrimSpace(g.Diagnose(ctx)); said != "" {
			fmt.Fprintf(&b, "\nthe machine reports:\n%s", said)
		}
	}
	if status.Phase == machine.Refused {
		if output := g.output(ctx, want, b.String()); output != "" {
			fmt.Fprintf(&b, "\nits last lines:\n%s", output)
		}
	}
	return errors.New(b.String())
}
