package rollout

import (
	"cmp"
	"context"
	"net"
	"time"

	"escala/infra/deploy/https"
)

// certificateTimeout is the time in which a certificate must be issued once its
// name leads to the service. An authority needs some seconds.
const certificateTimeout = time.Minute

// certified returns s with the state of HTTPS: whether every name leads to the
// service and has a certificate there. What is missing is not an error of the
// release, which serves.
func (r Rollout) certified(ctx context.Context, s Served) Served {
	s.HTTPS = https.Unchecked
	if s.Address == "" || len(r.Names) == 0 || r.Probe == ProbePods || r.Probe == ProbeNone {
		return s
	}
	maxWait := cmp.Or(r.maxWait, certificateTimeout)
	if !r.Issued {
		// The certificate exists before the address does, so no wait is needed.
		maxWait = 0
	}
	wait := https.Wait{Max: maxWait, Poll: r.Poll, Report: r.Report}
	s.Missing = wait.For(ctx, func(ctx context.Context) (string, time.Time) { return r.uncertified(ctx, s.Address) })
	s.HTTPS = https.State(s.Missing)
	return s
}

// uncertified returns what is missing, and the time before which that cannot
// change. The time is https.Never if a person has to make a name lead here.
func (r Rollout) uncertified(ctx context.Context, at string) (string, time.Time) {
	if r.URL == "" {
		if missing := (https.Destination{Address: at, ManagedRecords: r.ManagedRecords}).Mismatch(ctx, r.resolver, r.Names); missing != "" {
			return missing, https.Never
		}
	}
	if r.Scheme != "https" {
		return "", time.Time{}
	}
	look := https.Check{Address: net.JoinHostPort(at, r.port()), Names: r.Names, CA: r.CA}
	if err := look.Certificate(ctx); err != nil {
		return err.Error(), time.Time{}
	}
	return "", time.Time{}
}
