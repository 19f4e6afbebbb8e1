package conformance

import (
	"context"
	"errors"
	"fmt"
)

// System is a deployed service together with the operations that the checks
// need. The runner calls one method at a time, except for Status, which it may
// call during another method.
//
// A method for a component that the system does not have returns NotApplicable
// with the reason, and the report shows the reason in place of a verdict. Any
// other error fails the check.
type System interface {
	// Name is the target's name in the report: process, local, kubernetes.
	Name() string
	// Start brings the system up with a first good release and returns when it
	// serves. It is called once, before all other methods.
	Start(ctx context.Context) (Endpoint, error)
	// Stop removes everything again. It is called once, even after a failed
	// Start.
	Stop(ctx context.Context) error

	// Release rolls out a new good release. The name must be part of the
	// release, so that its id is unique. Release returns when every worker
	// serves it and no worker of an earlier one is left, as an operator's
	// deploy does. A timeout is an error.
	Release(ctx context.Context, name string) error
	// ReleaseBad tries to roll out a release with this defect. When the system
	// has given up on it, ReleaseBad returns the reason that the system
	// reports. The earlier release must go on serving. If the system accepts
	// the bad release, the error wraps ErrAccepted.
	ReleaseBad(ctx context.Context, bad Bad) (reason string, err error)
	// Rollback returns to the good release before the last good one, as an
	// operator would. It returns when every worker serves it.
	Rollback(ctx context.Context) error

	// Inject causes a fault and returns without waiting for the system to
	// recover.
	Inject(ctx context.Context, fault Fault) (Injection, error)
	// Status returns the system's own view of its state. An error means that
	// the status is not available now. This is common during a fault and does
	// not count as a failure.
	Status(ctx context.Context) (Status, error)
}

// Endpoint is the address of a system and a description of it.
type Endpoint struct {
	// URL is http://host:port, on loopback or a private network, without a
	// path.
	URL string
	// Host is the Host header, if it differs from the URL's host. Default "".
	Host string
	// Rooms reports whether /ws serves rooms, so that WebSockets are part of
	// the load.
	Rooms bool
	// WorkersOutlive reports whether the workers of a killed supervisor serve
	// until the workers of the next one do.
	WorkersOutlive bool
	// TrustsClientHeaders is the reason why the service believes what the suite's clients
	// claim about themselves in headers. It is "" if the suite is a stranger.
	TrustsClientHeaders string
	// About describes the system for readers of the report in one or two
	// sentences: the processes and where they run, the number of workers, and
	// the proxy in front of them.
	About string
}

// Status is the state of a system as the system itself reports it.
type Status struct {
	// Wanted is the release that the system was told to run. Serving is the
	// release that all ready workers run, or "" while they differ.
	Wanted, Serving string
	// Ready is the number of ready workers, Workers the number that should run.
	Ready, Workers int
	// Reason is the current problem: why the wanted release is not served or
	// why a worker is missing. It is "" without a problem, including during a
	// normal rollout.
	Reason string
	// Incident is the last resolved problem ("nginx was killed by signal 9 and
	// started again"). It differs from the incident before, for example by its
	// time. It is "" if there was none.
	Incident string
}

// Normal reports whether all workers are ready and serve the wanted release.
func (s Status) Normal() bool {
	return s.Workers > 0 && s.Ready == s.Workers && s.Serving != "" && s.Serving == s.Wanted && s.Reason == ""
}

// ErrAccepted is the error of ReleaseBad for a bad release that the system
// serves.
var ErrAccepted = errors.New("the system serves the bad release")

// notApplicable is the error of a check that does not apply to a system.
type notApplicable struct{ reason string }

func (e notApplicable) Error() string { return e.reason }

// NotApplicable returns the error for a component that a System does not have.
// The reason is a sentence for the report: "there is no proxy: clients reach
// the workers themselves".
func NotApplicable(format string, args ...any) error {
	return notApplicable{fmt.Sprintf(format, args...)}
}

// IsNotApplicable reports whether err is a NotApplicable error, and returns its
// reason.
func IsNotApplicable(err error) (reason string, yes bool) {
	var e notApplicable
	if errors.As(err, &e) {
		return e.reason, true
	}
	return "", false
}
