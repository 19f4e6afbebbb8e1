package rollout

import (
	"context"
	"net"
	"time"

	"escala/infra/deploy/https"
)

// certificatePatience is the time that a certificate may take to be issued once
// its name leads to the service. An authority needs some seconds.
const certificatePatience = time.Minute

// certified adds whether every name leads to the service and has a certificate
// there. What is missing is not an error of the release, which serves.
func (r Rollout) certified(ctx context.Context, s Served) Served {
	s.HTTPS = https.Unchecked
	if s.Address == "" || len(r.Names) == 0 || r.Ask == AskPods || r.Ask == AskNobody {
		return s
	}
	deleteTimeout := r.deleteTimeout
	if deleteTimeout == 0 {
		deleteTimeout = certificatePatience
	}
	if !r.Issued {
		// The certificate is there before the address is.
		deleteTimeout = 0
	}
	deadline := time.Now().Add(deleteTimeout)
	for {
		missing, hopeless := r.uncertified(ctx, s.Address)
		if missing == "" {
			s.Missing, s.HTTPS = "", https.Serving
			return s
		}
		if missing != s.Missing && r.Report != nil {
			r.Report(https.Waiting + missing)
		}
		s.Missing, s.HTTPS = missing, https.Waiting+missing
		if hopeless || !time.Now().Before(deadline) {
			return s
		}
		select {
		case <-ctx.Done():
			return s
		case <-time.After(r.Poll):
		}
	}
}

// uncertified returns what is missing. It is hopeless to wait while a name does
// not lead here, since a person has to act.
func (r Rollout) uncertified(ctx context.Context, at string) (missing string, hopeless bool) {
	if r.URL == "" {
		if missing = (https.Destination{Address: at, Made: r.Made}).Leads(ctx, r.resolver, r.Names); missing != "" {
			return missing, true
		}
	}
	if r.Scheme != "https" {
		return "", false
	}
	look := https.Look{Address: net.JoinHostPort(at, r.port()), Names: r.Names, CA: r.CA}
	if err := look.Certificate(ctx); err != nil {
		return err.Error(), false
	}
	return "", false
}
