// Package rollout decides whether an update of a cluster may end: it waits until
// every pod runs the release, none of the release before is left, and the
// ingress' address serves it, and gives the pods' own reasons if not.
package rollout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"escala/service"
)

// Rollout is one service on one cluster.
type Rollout struct {
	// Kubeconfig is the content of a kubeconfig for the cluster.
	Kubeconfig string
	// Namespace of everything.
	Namespace string
	// Deployment is the service's, and Pods the least number of pods that it has
	// to have.
	Deployment string
	Pods       int
	// Others are Deployments that the service needs, and that have to be up.
	Others []string
	// Ingress leads to the service, by Scheme ("http", "https"), for Host, or for
	// every name if that is empty.
	Ingress, Scheme, Host string
	// URL is where the ingress is reached, if its own address is not it.
	URL string
	// HealthPath must answer 200.
	HealthPath string
	// Ask is who is asked whether the release serves. Default AskPublic.
	Ask Asked
	// CA are certificate authorities, in PEM, that vouch for the address beside
	// those of this computer. Optional.
	CA []byte
	// Image is what the pods must run, by digest.
	Image string
	// Releases are what X-Release may say. Empty: whatever.
	Releases []string
	// Timeout bounds the whole wait.
	Timeout time.Duration
	// Poll is how often it looks. Default 1 s.
	Poll time.Duration
	// Stuck is how long the same failure of pods, which Kubernetes tries to
	// overcome, may last before the wait is given up. Default 45 s.
	Stuck time.Duration
	// Report is told what is being waited for, each time that it changes.
	Report func(string)

	// dialPort is instead of the scheme's, for tests: they may not listen on it.
	dialPort string
}

// Asked is where a wait ends.
type Asked string

// What is asked last, after the pods are ready.
const (
	// AskPublic asks the public address, as a client would.
	AskPublic Asked = "public"
	// AskPods asks the service through the cluster's API, for an address that
	// this computer does not reach.
	AskPods Asked = "pods"
	// AskNobody relies on the pods' own readiness.
	AskNobody Asked = "none"
)

// steadyLooks is how many answers in a row the address has to give: there may be
// several load balancers behind it, each with its own view.
const steadyLooks = 3

// Wait returns the address ("http://host", without a slash at its end) once it
// serves the release.
func (r Rollout) Wait(ctx context.Context) (string, error) {
	c, err := newClient(r.Kubeconfig)
	if err != nil {
		return "", err
	}
	if r.Poll == 0 {
		r.Poll = time.Second
	}
	if r.Stuck == 0 {
		r.Stuck = 45 * time.Second
	}
	began := time.Now()
	deadline, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	var (
		last    view
		stuck   tracker
		answers int
	)
	for {
		now := r.look(deadline, c)
		if now.missing == "" {
			if answers++; answers >= steadyLooks {
				return now.url, nil
			}
		} else {
			answers = 0
		}
		// A look that the deadline cut short says nothing of the cluster.
		if deadline.Err() == nil || last.missing == "" {
			if now.missing != "" && now.missing != last.missing && r.Report != nil {
				r.Report("waiting: " + now.missing)
			}
			if now.missing != "" {
				last = now
			}
		}
		switch {
		case ctx.Err() != nil:
			return "", fmt.Errorf("waiting for release %s: %w", short(r.Image), ctx.Err())
		case deadline.Err() != nil, stuck.lasts(now) > r.Stuck, now.trouble.final:
			return "", r.failure(ctx, c, last, time.Since(began))
		}
		select {
		case <-deadline.Done():
		case <-time.After(r.Poll):
		}
	}
}

// tracker knows for how long the same trouble has been there.
type tracker struct {
	kind  string
	ready int
	since time.Time
}

func (t *tracker) lasts(v view) time.Duration {
	// As long as more pods become ready, the rollout goes on.
	if v.trouble.kind != t.kind || v.ready > t.ready {
		*t = tracker{kind: v.trouble.kind, ready: v.ready, since: time.Now()}
	}
	if t.kind == "" {
		return 0
	}
	return time.Since(t.since)
}

// failure tells what was wanted, what is there instead and why.
func (r Rollout) failure(ctx context.Context, c *client, v view, took time.Duration) error {
	var b strings.Builder
	fmt.Fprintf(&b, "release %s does not serve after %s: %s", short(r.Image), took.Round(time.Second), v.missing)
	if n := len(v.before); n > 0 {
		fmt.Fprintf(&b, "\nthe release before (%s) still serves, on %s", short(v.before[0].Spec.Containers[0].Image), plural(n, "pod"))
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if said := r.reasons(ctx, c, v); len(said) > 0 {
		fmt.Fprintf(&b, "\nthe cluster says:\n  %s", strings.ReplaceAll(strings.Join(said, "\n"), "\n", "\n  "))
	}
	return errors.New(b.String())
}

// short is a release's name for people, from an image by digest.
func short(image string) string {
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
