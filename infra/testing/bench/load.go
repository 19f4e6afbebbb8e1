package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	request = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
	body    = "hello from escala\n"
)

// sample is what one round saw.
type sample struct {
	requests  int
	perSecond float64
	p99       time.Duration
	cpu       time.Duration // per request
	memory    uint64
}

// round sends requests over n connections for a while. The client is raw TCP:
// net/http's would cost more than the servers do.
func round(ctx context.Context, s *server, n int, length time.Duration) (sample, error) {
	before, err := s.cpu()
	if err != nil {
		return sample{}, err
	}
	var mu sync.Mutex
	var latencies []time.Duration
	begin := time.Now()
	var group errgroup.Group
	for range n {
		group.Go(func() error {
			mine, err := client(ctx, s.address, begin.Add(length))
			mu.Lock()
			latencies = append(latencies, mine...)
			mu.Unlock()
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return sample{}, err
	}
	took := time.Since(begin)
	after, err := s.cpu()
	if err != nil {
		return sample{}, err
	}
	memory, err := s.memory()
	if err != nil {
		return sample{}, err
	}
	if len(latencies) == 0 {
		return sample{}, errors.New("no request was answered")
	}
	slices.Sort(latencies)
	return sample{
		requests:  len(latencies),
		perSecond: float64(len(latencies)) / took.Seconds(),
		p99:       latencies[len(latencies)*99/100],
		cpu:       (after - before) / time.Duration(len(latencies)),
		memory:    memory,
	}, nil
}

// client sends one request after the other on one connection.
func client(ctx context.Context, address string, until time.Time) ([]time.Duration, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	defer c.Close()
	if err := c.SetDeadline(until.Add(10 * time.Second)); err != nil {
		return nil, fmt.Errorf("setting a deadline: %w", err)
	}
	latencies := make([]time.Duration, 0, 1<<14)
	buffer := make([]byte, 4096)
	for now := time.Now(); now.Before(until) && ctx.Err() == nil; {
		if _, err := c.Write([]byte(request)); err != nil {
			return latencies, fmt.Errorf("sending a request: %w", err)
		}
		if err := readAnswer(c, buffer); err != nil {
			return latencies, err
		}
		end := time.Now()
		latencies = append(latencies, end.Sub(now))
		now = end
	}
	return latencies, nil
}

// readAnswer reads until the body, which is the last thing that a server sends.
func readAnswer(c net.Conn, buffer []byte) error {
	for n := 0; ; {
		m, err := c.Read(buffer[n:])
		if err != nil {
			return fmt.Errorf("reading an answer: %w", err)
		}
		if n += m; bytes.HasSuffix(buffer[:n], []byte(body)) {
			if !bytes.HasPrefix(buffer[:n], []byte("HTTP/1.1 200 OK\r\n")) {
				return fmt.Errorf("unexpected answer %.80q", buffer[:n])
			}
			return nil
		}
	}
}
