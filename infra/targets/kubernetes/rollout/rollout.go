// Package rollout decides whether an update of a cluster succeeded. It waits
// until every pod runs the release, no pod of the previous one is left, and the
// ingress' address serves the release. Otherwise it reports the pods' own
// reasons.
package rollout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"escala/infra/deploy/gate"
	"escala/infra/deploy/https"
	"escala/service"
)

// Rollout is one service on one cluster.
type Rollout struct {
	// Kubeconfig is the content of a kubeconfig for the cluster.
	Kubeconfig string
	// Namespace is the namespace of all objects.
	Namespace string
	// Deployment is the name of the service's Deployment. Pods is the least number
	// of pods that it must have.
	Deployment string
	Pods       int
	// Dependencies are the names of Deployments that the service needs. They must be
	// ready.
	Dependencies []string
	// Ingress is the name of the service's Ingress. Scheme is "http" or "https".
	// Host is the name that the Ingress serves; if it is empty, it serves every
	// name.
	Ingress, Scheme, Host string
	// URL is the public address, if it is not the Ingress' own.
	URL string
	// Addressed makes the wait include the Ingress' own address also if URL is set,
	// because DNS records lead to that address.
	Addressed bool
	// Names are all names of the service, Host first. ManagedRecords means that the stack
	// makes their records.
	Names          []string
	ManagedRecords bool
	// Issued means that an authority issues the certificate after a challenge at
	// Host's address. A missing certificate is then no error, so the release is
	// checked whatever certificate the address presents.
	Issued bool
	// HealthPath is the path that must answer 200.
	HealthPath string
	// Probe is the address that is checked last. Default ProbePublic.
	Probe Probe
	// CA are certificate authorities, in PEM, that are trusted for the address in
	// addition to those of this computer. Optional.
	CA []byte
	// Image is the image that the pods must run, by digest.
	Image string
	// Releases are the accepted values of X-Release. Empty accepts every value.
	Releases []string
	// Bake watches the release while it serves beside the release before. Default: it
	// is not watched. Port is the pods' port, at which they are asked for their counts.
	Bake service.Bake
	Port int
	// Steady is the time for which pods must stay ready that do not become available
	// before the end of a bake.
	Steady time.Duration
	// Timeout is the time limit for the whole wait.
	Timeout time.Duration
	// Poll is the time between two checks of the cluster. Default 1 s.
	Poll time.Duration
	// StuckTimeout is the time that the same failure of pods may last while Kubernetes
	// retries. After that, the wait fails. Default 45 s.
	StuckTimeout time.Duration
	// Report is called with what is missing, each time that it changes.
	Report func(string)

	// count replaces the requests for pods' counts in tests.
	count func(ctx context.Context, p pod) (service.Counts, error)
	// dialPort replaces the scheme's port in tests, which may not listen on that
	// port.
	dialPort string
	// resolver replaces this computer's in tests.
	resolver https.Resolver
	// maxWait is the time that Wait gives an issued certificate. Default
	// certificateTimeout.
	maxWait time.Duration
}

// Served is the result of a wait.
type Served struct {
	// URL is the address ("http://host"), without a slash at its end.
	URL string
	// Address is the IP address or host name that the Ingress has. It is empty if
	// the wait did not ask for it.
	Address string
	// Missing describes for people why a name does not lead here or has no
	// certificate. It is empty if nothing is missing. The release serves
	// nevertheless.
	Missing string
	// HTTPS is a result of https.State, or https.Unchecked.
	HTTPS string
}

// Probe is the address that a wait checks last.
type Probe string

// These are the values of Probe. The address is checked after the pods are ready.
const (
	// ProbePublic asks the public address, as a client would.
	ProbePublic Probe = "public"
	// ProbePods asks the service through the cluster's API. It is for a public
	// address that this computer does not reach.
	ProbePods Probe = "pods"
	// ProbeNone checks no address: the pods' own readiness decides.
	ProbeNone Probe = "none"
)

// consecutiveGoodAnswers is the number of consecutive good answers that the address must give.
// Several load balancers with different states may be behind it.
const consecutiveGoodAnswers = 3

// Wait waits until the address serves the release, and returns the address.
func (r Rollout) Wait(ctx context.Context) (Served, error) {
	none := Served{}
	c, err := newClient(r.Kubeconfig)
	if err != nil {
		return none, err
	}
	if r.Poll == 0 {
		r.Poll = time.Second
	}
	if r.StuckTimeout == 0 {
		r.StuckTimeout = 45 * time.Second
	}
	watch := newBakeWatch(r, c)
	resumed, answers, good := false, 0, time.Time{}
	loop := gate.Awaiting{Timeout: r.Timeout, Poll: r.Poll, StuckTimeout: r.StuckTimeout, Report: r.Report}
	last, took, err := gate.Await(ctx, loop, func(ctx context.Context) (view, gate.CheckResult) {
		if !resumed {
			if err := r.resume(ctx, c); err != nil {
				return view{missing: err.Error()}, gate.CheckResult{Missing: err.Error()}
			}
			r.askAgain(ctx, c)
			resumed = true
		}
		now := r.readState(ctx, c)
		watch.observe(ctx, &now, time.Now())
		if now.missing == "" {
			answers++
		} else {
			answers, good = 0, time.Now()
		}
		return now, gate.CheckResult{
			Missing: now.missing, Done: answers >= consecutiveGoodAnswers && (watch == nil || time.Since(good) >= r.Steady),
			// The rollout continues as long as more pods become ready.
			Failure: now.trouble.kind, Progress: now.ready, Final: now.trouble.final || watch.failed(),
		}
	})
	switch {
	case errors.Is(err, gate.ErrMissing):
		return none, r.failure(ctx, c, last, took, watch)
	case err != nil:
		return none, fmt.Errorf("waiting for release %s: %w", shortRelease(r.Image), err)
	}
	return r.certified(ctx, Served{URL: last.url, Address: last.address}), nil
}

// failure describes the expected release, what is missing, what still serves, and
// why. It takes a watched release out of service if another one can serve alone.
func (r Rollout) failure(ctx context.Context, c *client, v view, took time.Duration, watch *bakeWatch) error {
	if watch.failed() {
		v.missing = watch.missing()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "release %s does not serve after %s: %s", shortRelease(r.Image), took.Round(time.Second), v.missing)
	if n := len(v.before); n > 0 && !watch.active(v) {
		fmt.Fprintf(&b, "\nthe release before (%s) still serves, on %s", shortRelease(v.before[0].Spec.Containers[0].Image), plural(n, "pod"))
	}
	asking, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	said := r.reasons(asking, c, v)
	if watch.failed() {
		said = append(said, r.lastLines(asking, c, v)...)
	}
	if watch.active(v) || watch.failed() {
		b.WriteString(r.takenBack(ctx, c, v, watch))
	}
	if len(said) > 0 {
		fmt.Fprintf(&b, "\nthe cluster reports:\n  %s", strings.ReplaceAll(strings.Join(said, "\n"), "\n", "\n  "))
	}
	b.WriteString("\nthe next update asks for it again at once, also without a change")
	return errors.New(b.String())
}

// takenBack takes a watched release out of service, and describes the outcome.
func (r Rollout) takenBack(ctx context.Context, c *client, v view, watch *bakeWatch) string {
	figures := "\n" + watch.figures()
	if len(v.before) == 0 {
		return "\nit serves nevertheless: " + errTooLate.Error() + figures
	}
	n, err := r.takeBack(ctx, c, v.missing)
	switch {
	case errors.Is(err, errTooLate):
		return "\nit serves nevertheless: " + err.Error() + figures
	case err != nil:
		return fmt.Sprintf("\nit may still serve, because it could not be taken out of service: %s%s", err, figures)
	default:
		return fmt.Sprintf("\nthe release before (%s) serves alone, on %s%s", shortRelease(watch.image), plural(n, "pod"), figures)
	}
}

// shortRelease returns the short name of the release in an image by digest, for people.
func shortRelease(image string) string {
	if id, ok := service.ReleaseOfImage(image); ok {
		return id.Short()
	}
	return image
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
