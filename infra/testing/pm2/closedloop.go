package pm2

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

// greeting is what both services answer at /, and the last thing of an answer.
const greeting = "hello from escala\n"

// round is what one round of load saw.
type round struct {
	requests  int
	perSecond float64
	p99       time.Duration
	// cpu is the processor time of the whole stack for one request.
	cpu time.Duration
}

// press sends requests over kept connections, one after the other on each, for a
// while, with as many connections to each address. It reads how much processor time
// the trees of the roots took. The client writes and reads bytes: net/http's would
// cost more than what is measured.
func press(ctx context.Context, addresses []string, connections int, length time.Duration, roots []int) (round, error) {
	before, err := cpuOf(roots...)
	if err != nil {
		return round{}, err
	}
	var mu sync.Mutex
	var latencies []time.Duration
	begin := time.Now()
	var group errgroup.Group
	for n := range connections {
		group.Go(func() error {
			mine, err := client(ctx, addresses[n%len(addresses)], begin.Add(length))
			mu.Lock()
			latencies = append(latencies, mine...)
			mu.Unlock()
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return round{}, err
	}
	took := time.Since(begin)
	after, err := cpuOf(roots...)
	if err != nil {
		return round{}, err
	}
	if err := ctx.Err(); err != nil {
		return round{}, err
	}
	n := len(latencies)
	if n == 0 {
		return round{}, errors.New("no request was answered")
	}
	slices.Sort(latencies)
	return round{
		requests:  n,
		perSecond: float64(n) / took.Seconds(),
		p99:       latencies[n*99/100],
		cpu:       (after - before) / time.Duration(n),
	}, nil
}

// client sends one request after the other. A server may close a connection
// between two requests (Nginx does after 1,000 by default): that is its right,
// and a new one is opened.
func client(ctx context.Context, address string, until time.Time) ([]time.Duration, error) {
	request := []byte("GET / HTTP/1.1\r\nHost: " + address + "\r\n\r\n")
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
			if conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", address); err != nil {
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

// readGreeting reads one answer and says whether it is the connection's last.
func readGreeting(conn net.Conn, buffer []byte) (last bool, err error) {
	for n := 0; ; {
		m, err := conn.Read(buffer[n:])
		if err != nil {
			return false, fmt.Errorf("reading an answer: %w", err)
		}
		if n += m; bytes.HasSuffix(buffer[:n], []byte(greeting)) {
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
