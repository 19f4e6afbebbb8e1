package pods

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Restart evicts the pods one after the other, each once all others are ready.
//
// An eviction obeys the disruption budget and ends the pod as a release does, with
// preStop and the drain. The ReplicaSet makes another one from the same template. An
// annotation on the template, as `kubectl rollout restart` sets it, would differ
// from the description in the Pulumi program, and the next update would roll all
// pods again to remove it.
func (c *Cluster) Restart(ctx context.Context, report func(string)) error {
	_, before, err := c.pods(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	for i, p := range before {
		if p.Metadata.DeletionTimestamp != nil {
			continue
		}
		if err := c.awaitReady(ctx, began); err != nil {
			return fmt.Errorf("restarting: %d of %d pods are new: %w", i, len(before), err)
		}
		report(fmt.Sprintf("evicting pod %s (%d of %d)", p.Metadata.Name, i+1, len(before)))
		if err := c.evict(ctx, p, began); err != nil {
			return fmt.Errorf("restarting: %d of %d pods are new: %w", i, len(before), err)
		}
		if err := c.awaitDeleted(ctx, p, began); err != nil {
			return fmt.Errorf("restarting: %d of %d pods are new: %w", i, len(before), err)
		}
	}
	if err := c.awaitReady(ctx, began); err != nil {
		return fmt.Errorf("restarting: %w", err)
	}
	report(fmt.Sprintf("all pods are new after %s", time.Since(began).Round(time.Second)))
	return nil
}

// Times of a restart.
const (
	pollInterval = time.Second
	// restartTimeout is the time that a restart may take.
	restartTimeout = 20 * time.Minute
)

// awaitReady waits until the wanted number of pods is ready.
func (c *Cluster) awaitReady(ctx context.Context, began time.Time) error {
	return c.poll(ctx, began, func() (string, error) {
		wanted, pods, err := c.pods(ctx)
		if err != nil {
			return "", err
		}
		ready := 0
		for _, p := range pods {
			if p.ready() {
				ready++
			}
		}
		if ready >= wanted {
			return "", nil
		}
		return fmt.Sprintf("%d of %d pods are ready", ready, wanted), nil
	})
}

// awaitDeleted waits until a pod is being deleted, so that it does not count as ready.
func (c *Cluster) awaitDeleted(ctx context.Context, before pod, began time.Time) error {
	return c.poll(ctx, began, func() (string, error) {
		_, pods, err := c.pods(ctx)
		if err != nil {
			return "", err
		}
		for _, p := range pods {
			if p.Metadata.UID == before.Metadata.UID && p.Metadata.DeletionTimestamp == nil {
				return "pod " + p.Metadata.Name + " is still there", nil
			}
		}
		return "", nil
	})
}

// evict requests the eviction of a pod, and again while the disruption budget
// forbids it. The precondition protects another pod of the same name.
func (c *Cluster) evict(ctx context.Context, p pod, began time.Time) error {
	eviction := map[string]any{
		"apiVersion": "policy/v1", "kind": "Eviction",
		"metadata":      map[string]any{"name": p.Metadata.Name, "namespace": c.Namespace},
		"deleteOptions": map[string]any{"preconditions": map[string]any{"uid": p.Metadata.UID}},
	}
	return c.poll(ctx, began, func() (string, error) {
		err := c.do(ctx, http.MethodPost, "/api/v1/namespaces/"+c.Namespace+"/pods/"+p.Metadata.Name+"/eviction", nil, eviction, nil)
		switch code(err) {
		case http.StatusTooManyRequests:
			return err.Error(), nil
		case http.StatusNotFound, http.StatusConflict:
			return "", nil // it is gone, or another pod has its name
		}
		if err != nil {
			return "", fmt.Errorf("evicting pod %s: %w", p.Metadata.Name, err)
		}
		return "", nil
	})
}

// poll calls look again and again until nothing is missing.
func (c *Cluster) poll(ctx context.Context, began time.Time, check func() (missing string, err error)) error {
	for {
		missing, err := check()
		if err != nil || missing == "" {
			return err
		}
		if time.Since(began) > restartTimeout {
			return fmt.Errorf("not done after %s: %s", restartTimeout, missing)
		}
		select {
		case <-time.After(pollInterval):
		case <-ctx.Done():
			return fmt.Errorf("%w: %s", ctx.Err(), missing)
		}
	}
}
