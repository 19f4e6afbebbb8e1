package conformance

import (
	"context"
	"errors"
	"fmt"
)

// System is a service in the place where it runs, and the hands that a check
// needs there. The runner calls one method at a time, Status excepted, which
// may be called while another one runs.
//
// A method for something that the system does not have returns NotApplicable
// with the reason; the report says so in place of a verdict. Any other error
// fails the check.
type System interface {
	// Name is the target's name in the report: process, local, kubernetes.
	Name() string
	// Start brings the system up with a first good release and returns when it
	// serves. It is called once, before everything else.
	Start(ctx context.Context) (Endpoint, error)
	// Stop takes everything away again. It is called once, also after a Start
	// that failed.
	Stop(ctx context.Context) error

	// Release rolls out a release that is good and like no other (name is to be
	// part of it, so that its id differs). It returns once every worker serves
	// it and none of an earlier one is left, as an operator's deploy does; not
	// being there in time is an error.
	Release(ctx context.Context, name string) error
	// ReleaseBad tries to roll out a release that is bad in this way, and
	// returns the reason that the system gives for not serving it, once it has
	// given up on it. What served before must serve on. That the system took
	// the release is an error: ErrAccepted, wrapped.
	ReleaseBad(ctx context.Context, bad Bad) (reason string, err error)
	// Rollback goes back to the good release before the last good one, in the
	// way that an operator would, and returns once every worker serves it.
	Rollback(ctx context.Context) error

	// Inject causes a fault and returns without waiting for the system to
	// recover.
	Inject(ctx context.Context, fault Fault) (Injection, error)
	// Status is what the system says of itself. An error means that it cannot
	// be asked now, which is common while a fault lasts and is no failure.
	Status(ctx context.Context) (Status, error)
}

// Endpoint is where and what a system serves.
type Endpoint struct {
	// URL is http://host:port, on loopback or a private network, without a
	// path.
	URL string
	// Host is the Host header, where it is not the URL's own. Default "".
	Host string
	// Rooms says that /ws serves rooms, so that WebSockets are part of the load.
	Rooms bool
	// About describes the system to the report's readers in a sentence or two:
	// what runs where, how many workers, what is in front of them.
	About string
}

// Status is how a system is, by its own account.
type Status struct {
	// Wanted is the release that it was told to run, Serving the one that all
	// its ready workers run, or "" while they differ.
	Wanted, Serving string
	// Ready workers, of Workers.
	Ready, Workers int
	// Reason says what is wrong: why the wanted release is not served, why a
	// worker is missing. "" while nothing is, also while a release is being
	// rolled out as it should.
	Reason string
	// Incident is what last went wrong and was mended, for whoever looks later
	// ("nginx was killed by signal 9 and started again"). It differs from that
	// of the incident before, for example by its time. "" if there was none.
	Incident string
}

// Normal says that all workers are ready and serve what is wanted.
func (s Status) Normal() bool {
	return s.Workers > 0 && s.Ready == s.Workers && s.Serving != "" && s.Serving == s.Wanted && s.Reason == ""
}

// ErrAccepted is ReleaseBad's error for a bad release that the system serves.
var ErrAccepted = errors.New("the system serves the bad release")

// notApplicable is the error of a check that a system has no place for.
type notApplicable struct{ reason string }

func (e notApplicable) Error() string { return e.reason }

// NotApplicable is the error of a System that has no such part. The reason is a
// sentence for the report: "there is no proxy: clients reach the workers
// themselves".
func NotApplicable(format string, args ...any) error {
	return notApplicable{fmt.Sprintf(format, args...)}
}

// IsNotApplicable reports whether err is NotApplicable, and with which reason.
func IsNotApplicable(err error) (reason string, yes bool) {
	var e notApplicable
	if errors.As(err, &e) {
		return e.reason, true
	}
	return "", false
}
