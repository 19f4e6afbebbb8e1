package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/exposition"
	"escala/service"
)

// Metrics answers the proxy's scrapers with the metrics of all workers. The workers
// share a socket, so a scrape over that socket would see only one of them.
type Metrics struct {
	Root   Root
	Config agent.Config
	Log    *slog.Logger
}

var _ agent.Metrics = Metrics{}

// Limits of an answer, in bytes: of one worker, and of all together. The agent has
// little memory, and the program decides how many metrics it has.
const (
	maxScrape  = 1 << 20
	maxScrapes = 8 << 20
)

// maxScraping is small because each scrape asks all workers. asking is the number of
// workers that are asked at a time.
const (
	maxScraping = 2
	asking      = 4
)

// Run listens until ctx ends. It tries again if that fails.
func (m Metrics) Run(ctx context.Context) {
	logged := ""
	for ctx.Err() == nil {
		if err := m.serve(ctx); err != nil && ctx.Err() == nil && err.Error() != logged {
			logged = err.Error()
			m.Log.Error("metrics are not answered", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (m Metrics) serve(ctx context.Context) error {
	socket := m.Root.path(MetricsSocket)
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the socket of the agent before: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("opening the socket: %w", err)
	}
	if err := os.Chmod(socket, 0o666); err != nil { // its folder decides who can reach it
		return errors.Join(fmt.Errorf("opening the socket: %w", err), l.Close())
	}
	server := &http.Server{
		Handler:     m.handler(),
		ReadTimeout: 5 * time.Second, WriteTimeout: 20 * time.Second, IdleTimeout: time.Second, MaxHeaderBytes: 64 << 10,
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

func (m Metrics) handler() http.Handler {
	scraping := make(chan struct{}, maxScraping)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "metrics are read by GET", http.StatusMethodNotAllowed)
			return
		}
		select {
		case scraping <- struct{}{}:
			defer func() { <-scraping }()
		default:
			http.Error(w, "another scrape is being answered", http.StatusServiceUnavailable)
			return
		}
		answer, err := m.scrape(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = w.Write(answer)
	})
}

// scraped is the answer of the worker in a slot.
type scraped struct {
	text []byte
	err  error
}

// scrape asks all workers. A worker that does not answer is not an error, but has a
// metric of its own.
func (m Metrics) scrape(ctx context.Context) ([]byte, error) {
	answers := make([]scraped, m.Config.Slots())
	var all sync.WaitGroup
	turns := make(chan struct{}, asking)
	for slot := range answers {
		all.Go(func() {
			turns <- struct{}{}
			answers[slot].text, answers[slot].err = m.ask(ctx, slot)
			<-turns
		})
	}
	all.Wait()
	return m.merge(answers)
}

// errNoWorker means that there is no process in a slot.
var errNoWorker = errors.New("no worker")

func (m Metrics) merge(answers []scraped) ([]byte, error) {
	var scrapes []exposition.Scrape
	var failed []string
	var up bytes.Buffer
	up.WriteString("# HELP machine_worker_up Whether the worker answers the machine with its metrics.\n# TYPE machine_worker_up gauge\n")
	total := 0
	for slot, one := range answers {
		if errors.Is(one.err, errNoWorker) {
			continue
		}
		worker := strconv.Itoa(m.Config.Worker(slot))
		labels := []exposition.Label{{Name: "worker", Value: worker}, {Name: "slot", Value: strconv.Itoa(slot)}}
		value := 1
		if one.err != nil {
			failed = append(failed, fmt.Sprintf("worker %s: %v", worker, one.err))
			value = 0
		} else {
			scrapes = append(scrapes, exposition.Scrape{Labels: labels, Text: one.text})
		}
		if total += len(one.text); total > maxScrapes {
			return nil, fmt.Errorf("the workers' metrics have more than %d bytes", maxScrapes)
		}
		fmt.Fprintf(&up, "machine_worker_up{service=%q,worker=%q,slot=%q} %d\n", m.Config.Name, worker, strconv.Itoa(slot), value)
	}
	if len(scrapes) == 0 {
		if len(failed) == 0 {
			failed = []string{"there is none"}
		}
		return nil, fmt.Errorf("no worker has metrics: %s", strings.Join(failed, "; "))
	}
	var b bytes.Buffer
	if err := exposition.Merge(&b, scrapes); err != nil {
		return nil, fmt.Errorf("reading the workers' metrics: %w", err)
	}
	b.Write(up.Bytes())
	return b.Bytes(), nil
}

// ask returns the metrics of the worker in a slot.
func (m Metrics) ask(ctx context.Context, slot int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+service.MetricsPath, nil)
	if err != nil {
		return nil, err
	}
	// The older text format, which can be read line by line.
	req.Header.Set("Accept", "text/plain;version=0.0.4")
	resp, err := exchange(ctx, m.Root.adminSocket(slot), req)
	var refused *net.OpError
	if errors.As(err, &refused) && refused.Op == "dial" && ctx.Err() == nil {
		return nil, errNoWorker
	}
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", service.MetricsPath, resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxScrape+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxScrape {
		return nil, fmt.Errorf("%s has more than %d bytes", service.MetricsPath, maxScrape)
	}
	return text, nil
}
