// Package closedloop measures how fast a service answers if each client sends
// its next request as soon as the last one is answered. It writes and reads raw
// bytes, because an HTTP client would use more processor time than the measured
// service. No request is sent twice, and any wrong answer ends the measurement
// with an error.
package closedloop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Greeting is the answer of every measured service at /, and the end of each
// response.
const Greeting = "hello from escala\n"

// Result is the result of one run: the number of answered requests, their number
// per second, and the 99th percentile of their latencies.
type Result struct {
	Requests  int
	PerSecond float64
	P99       time.Duration
}

// Run sends requests over kept connections for the given time, one after the
// other on each connection, with the same number of connections to each
// address.
func Run(ctx context.Context, addresses []string, connections int, length time.Duration) (Result, error) {
	var mu sync.Mutex
	var latencies []time.Duration
	begin := time.Now()
	var group errgroup.Group
	for n := range connections {
		group.Go(func() error {
			own, err := client(ctx, addresses[n%len(addresses)], begin.Add(length))
			mu.Lock()
			latencies = append(latencies, own...)
			mu.Unlock()
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Result{}, err
	}
	took := time.Since(begin)
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	n := len(latencies)
	if n == 0 {
		return Result{}, errors.New("no request was answered")
	}
	slices.Sort(latencies)
	return Result{Requests: n, PerSecond: float64(n) / took.Seconds(), P99: latencies[n*99/100]}, nil
}

// client sends one request after the other. A server may close a connection
// between two requests (Nginx does after 1,000 by default). This is no error,
// and the client opens a new connection.
func client(ctx context.Context, address string, until time.Time) ([]time.Duration, error) {
	request := []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	latencies := make([]time.Duration, 0, 1<<14)
	buffer := make([]byte, 4096)
	var conn net.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close()
		}
	}()
	for now := time.Now(); now.Before(until) && ctx.Err() == nil; now = time.Now() {
		if conn == nil {
			var err error
			if conn, err = (&net.Dialer{}).DialContext(ctx, network(address), address); err != nil {
				return latencies, fmt.Errorf("connecting: %w", err)
			}
			if err := conn.SetDeadline(until.Add(20 * time.Second)); err != nil {
				return latencies, fmt.Errorf("setting a deadline: %w", err)
			}
		}
		if _, err := conn.Write(request); err != nil {
			return latencies, fmt.Errorf("sending a request: %w", err)
		}
		last, err := readGreeting(conn, buffer)
		if err != nil {
			return latencies, err
		}
		latencies = append(latencies, time.Since(now))
		if last {
			if err := conn.Close(); err != nil {
				return latencies, fmt.Errorf("closing a connection: %w", err)
			}
			conn = nil
		}
	}
	return latencies, nil
}

// Ask sends one request on a new connection and reads the answer.
func Ask(ctx context.Context, address string) error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, network(address), address)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return fmt.Errorf("setting a deadline: %w", err)
	}
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")); err != nil {
		return fmt.Errorf("sending a request: %w", err)
	}
	_, err = readGreeting(conn, make([]byte, 4096))
	return err
}

// readGreeting reads one answer and reports whether the server closes the
// connection after it.
func readGreeting(conn net.Conn, buffer []byte) (last bool, err error) {
	for n := 0; ; {
		m, err := conn.Read(buffer[n:])
		if err != nil {
			return false, fmt.Errorf("reading an answer: %w", err)
		}
		if n += m; bytes.HasSuffix(buffer[:n], []byte(Greeting)) {
			if !bytes.HasPrefix(buffer[:n], []byte("HTTP/1.1 200 OK\r\n")) {
				return false, fmt.Errorf("unexpected answer %.80q", buffer[:n])
			}
			return bytes.Contains(buffer[:n], []byte("\r\nConnection: close\r\n")), nil
		}
		if n == len(buffer) {
			return false, fmt.Errorf("an answer is too long: %.80q", buffer)
		}
	}
}

// network returns "unix" for a path and "tcp" for any other address.
func network(address string) string {
	if strings.HasPrefix(address, "/") {
		return "unix"
	}
	return "tcp"
}
