package awseks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"escala/infra/deploy/kubeconfig"
)

// admission waits until a cluster admits the principal that updates the stack.
// Access entries are eventually consistent ("may take several seconds", "Grant IAM
// users access to Kubernetes with EKS access entries"), and the API servers learn
// of them at different times. pulumi-kubernetes asks only once, so one Unauthorized
// would fail every object of the update.
type admission struct {
	// consecutive is the number of consecutive successful reviews that are needed. Each
	// uses a new connection, so that every API server is asked.
	consecutive int
	// every is the time between reviews. timeout is the time limit for all of
	// them.
	every, timeout time.Duration
	// askTimeout is the time limit for one review.
	askTimeout time.Duration
}

func newAdmission() admission {
	return admission{consecutive: 5, every: 500 * time.Millisecond, timeout: 3 * time.Minute, askTimeout: 10 * time.Second}
}

// wait returns once the cluster of a kubeconfig allows the caller everything. After
// a timeout, the error includes the cluster's last answer.
func (a admission) wait(ctx context.Context, content string) error {
	client, base, err := kubeconfig.Client(content, a.askTimeout)
	if err != nil {
		return err
	}
	at := base.JoinPath("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	tick := time.NewTicker(a.every)
	defer tick.Stop()
	for good := 0; ; {
		refused := review(ctx, client, at)
		if refused == nil {
			if good++; good >= a.consecutive {
				return nil
			}
		} else {
			good = 0
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if refused == nil {
				refused = errors.New("its API servers do not agree yet")
			}
			return fmt.Errorf("the cluster refuses this caller after %s (see eks.admins and eks.deployer): %w", a.timeout, refused)
		}
	}
}

// fullAccessReview is the review that asks whether the caller may do everything.
var fullAccessReview = []byte(`{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview",` +
	`"spec":{"resourceAttributes":{"verb":"*","group":"*","resource":"*"}}}`)

// review sends one review.
func review(ctx context.Context, client *http.Client, at *url.URL) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), bytes.NewReader(fullAccessReview))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated && resp.StatusCode != http.StatusOK {
		return fmt.Errorf("Kubernetes API: %s", resp.Status) //nolint:staticcheck // a name
	}
	var answer struct {
		Status struct{ Allowed bool }
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&answer); err != nil {
		return fmt.Errorf("Kubernetes API: %w", err) //nolint:staticcheck // a name
	}
	if !answer.Status.Allowed {
		return errors.New("Kubernetes API: the access policy is not effective yet") //nolint:staticcheck // a name
	}
	return nil
}
