//go:build linux

package kubelet

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	"escala/infra/testing/kube"
)

// These are the kinds of probes, as events name them.
const (
	startup   = "startup"
	readiness = "readiness"
	liveness  = "liveness"
)

// probe runs a container's probes until ctx ends: startup alone first, then the
// others. When the pod is ending, only the readiness probe runs (prober/worker.go,
// doProbe).
func (c *container) probe(ctx context.Context, began time.Time) {
	w := c.worker
	living, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-living.Done():
		case <-w.ending:
			stop()
		}
	}()
	condemn := func(probe string) {
		select {
		case c.unhealthy <- probe:
		default:
		}
	}
	if spec := c.spec.StartupProbe; spec != nil {
		success := false
		c.watch(living, startup, *spec, began, false, func(ok bool) bool {
			success = ok
			return false
		})
		if !success {
			if living.Err() == nil {
				condemn(startup)
			}
			return
		}
	}
	w.set(func() { c.started, c.ready = true, c.spec.ReadinessProbe == nil })
	var probes sync.WaitGroup
	if spec := c.spec.ReadinessProbe; spec != nil {
		probes.Go(func() {
			c.watch(ctx, readiness, *spec, began, true, func(ok bool) bool {
				w.set(func() { c.ready = ok })
				return true
			})
		})
	}
	if spec := c.spec.LivenessProbe; spec != nil {
		probes.Go(func() {
			c.watch(living, liveness, *spec, began, false, func(ok bool) bool {
				if !ok {
					condemn(liveness)
				}
				return ok
			})
		})
	}
	probes.Wait()
}

// watch probes every period. It calls decided with each result that has occurred as
// often in a row as its threshold, until decided returns false. With atOnce, the
// first probe runs at once, as the readiness probe of a started container does.
// Other probes begin at a random point of their period.
func (c *container) watch(ctx context.Context, kind string, spec kube.Probe, began time.Time, atOnce bool, decided func(ok bool) bool) {
	w := c.worker
	period := time.Duration(spec.PeriodSeconds) * time.Second
	if !atOnce {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(rand.Int64N(int64(period)))):
		}
	}
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	last, run := false, 0
	for ctx.Err() == nil {
		if int(time.Since(began).Seconds()) >= spec.InitialDelaySeconds {
			err := c.try(ctx, spec)
			if ctx.Err() != nil {
				return
			}
			ok := err == nil
			if !ok {
				w.kubelet.event(ctx, w.pod, "Warning", "Unhealthy", fmt.Sprintf("%s probe failed: %s", strings.ToUpper(kind[:1])+kind[1:], err))
			}
			if ok == last {
				run++
			} else {
				last, run = ok, 1
			}
			threshold := spec.FailureThreshold
			if ok {
				threshold = spec.SuccessThreshold
			}
			if run >= threshold && !decided(ok) {
				return
			}
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// try runs a probe once.
func (c *container) try(ctx context.Context, spec kube.Probe) error {
	timeout := time.Duration(spec.TimeoutSeconds) * time.Second
	switch {
	case spec.HTTPGet != nil:
		// Each probe has a connection of its own (pkg/probe/http/http.go).
		client := &http.Client{Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true, Proxy: nil}}
		resp, err := c.get(ctx, client, *spec.HTTPGet, "kube-probe/1.33")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 10<<10)); err != nil {
			return err
		}
		if resp.StatusCode < 200 || resp.StatusCode >= 400 {
			return fmt.Errorf("HTTP probe failed with statuscode: %d", resp.StatusCode)
		}
		return nil
	case spec.TCPSocket != nil:
		port, err := c.port(spec.TCPSocket.Port)
		if err != nil {
			return err
		}
		dialer := net.Dialer{Timeout: timeout}
		conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(cmp.Or(spec.TCPSocket.Host, c.worker.sandbox.Address.String()), strconv.Itoa(port)))
		if err != nil {
			return err
		}
		return conn.Close()
	case spec.Exec != nil:
		c.worker.mu.Lock()
		program := c.program
		c.worker.mu.Unlock()
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		_, err := program.Exec(ctx, c.user, c.group, spec.Exec.Command...)
		return err
	}
	return fmt.Errorf("missing probe handler for %s", c.spec.Name)
}

// get sends a probe's request to the container (pkg/probe/http/request.go).
func (c *container) get(ctx context.Context, client *http.Client, g kube.HTTPGet, agent string) (*http.Response, error) {
	port, err := c.port(g.Port)
	if err != nil {
		return nil, err
	}
	at, err := url.Parse(g.Path)
	if err != nil {
		at = &url.URL{Path: g.Path}
	}
	at.Scheme = cmp.Or(strings.ToLower(g.Scheme), "http")
	at.Host = net.JoinHostPort(cmp.Or(g.Host, c.worker.sandbox.Address.String()), strconv.Itoa(port))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", agent)
	req.Header.Set("Accept", "*/*")
	for _, header := range g.HTTPHeaders {
		req.Header.Set(header.Name, header.Value)
	}
	req.Host = req.Header.Get("Host")
	return client.Do(req)
}

// port returns the number of a port.
func (c *container) port(p kube.Port) (int, error) {
	if p.Type == intstr.Int {
		return p.IntValue(), nil
	}
	for _, named := range c.spec.Ports {
		if named.Name == p.StrVal {
			return named.ContainerPort, nil
		}
	}
	return strconv.Atoi(p.StrVal)
}
