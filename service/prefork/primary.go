// Package prefork runs several workers of this service on one socket. A primary
// opens the socket, starts the workers, restarts them when they end, replaces
// them one by one on request, and ends them together. It is for a machine
// without another supervisor.
package prefork

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"escala/service/config"
	"escala/service/listen"
	"escala/service/status"
)

// ErrGaveUp reports that no worker can keep running.
var ErrGaveUp = errors.New("gave up: no worker can stay up")

// Options configure a primary.
type Options struct {
	Config config.Prefork
	// Executable is the path of the program that each worker runs with Args. It
	// is a path and not the running file, so that a roll uses a newly installed
	// program. Between rolls, workers start from the file that the last roll
	// tried.
	Executable string
	Args       []string
	// Environ is appended to the primary's own environment ("NAME=value").
	Environ []string
	// Out and Err receive the workers' output.
	Out, Err io.Writer
	Log      *slog.Logger
}

type primary struct {
	Options
	log     *slog.Logger
	slots   []*slot
	spawner *spawner
	socket  *os.File

	rolling sync.Mutex
	mu      sync.Mutex
	exe     *executable
	last    *status.Roll
	// incident is the last resolved problem, with its time.
	incident string
}

// Run serves with Config.Workers workers until ctx ends, then drains them all.
// When hard ends, it ends them at once. A value on roll replaces them one by
// one.
func Run(ctx, hard context.Context, roll <-chan struct{}, o Options) error {
	if err := supported(); err != nil {
		return err
	}
	if err := makeRunDir(o.Config.RunDir); err != nil {
		return err
	}
	socket := filepath.Join(o.Config.RunDir, status.PrimarySocket)
	killed := leftBehind(socket)
	l, err := open(ctx, o, killed)
	if err != nil {
		return err
	}
	p := &primary{Options: o, log: o.Log, spawner: newSpawner()}
	defer p.spawner.close()
	if p.socket, err = l.File(); err != nil {
		return errors.Join(err, l.Close())
	}
	if p.exe, err = openExecutable(o.Executable); err != nil {
		return errors.Join(err, p.socket.Close(), l.Close())
	}
	for n := range o.Config.Workers {
		p.slots = append(p.slots, newSlot(n))
	}
	if killed {
		p.happened("the primary before this one was killed, and its workers drained")
	}
	stop, err := p.serveStatus(ctx, socket)
	if err != nil {
		return errors.Join(err, p.socket.Close(), l.Close())
	}
	p.log.Info(fmt.Sprintf("primary listening on %s pid=%d", l.Describe(), os.Getpid()), slog.Int("workers", o.Config.Workers))

	group, running := errgroup.WithContext(ctx)
	for _, s := range p.slots {
		group.Go(func() error { return p.supervise(running, s) })
	}
	group.Go(func() error { return p.rollOnRequest(running, roll) })
	if o.Config.MemoryMax > 0 {
		group.Go(func() error { return p.watchMemory(running) })
	}
	if o.Config.HangLimit > 0 {
		group.Go(func() error { return p.watchHung(running) })
	}
	err = group.Wait()
	return errors.Join(err, p.endAll(hard, l), stop())
}

// inSlot returns the settings with which a worker of a slot starts.
func (p *primary) inSlot(s *slot) start {
	return start{slot: s.number, socket: p.socket, admin: socketPath(p.Config.RunDir, s.number, s.nextGeneration())}
}

// afterKill is the additional time, beyond their announcement, that the workers
// of a killed primary may need until they stop accepting.
const afterKill = 5 * time.Second

// open starts to listen. The workers of a killed primary hold its socket until
// they have announced their end, so open waits for them.
func open(ctx context.Context, o Options, killed bool) (*listen.Listener, error) {
	until := time.Now().Add(o.Config.Lifecycle.Announce + afterKill)
	for logged := false; ; logged = true {
		l, err := listen.Open(ctx, o.Config.Listen)
		if err == nil || !killed || !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(until) {
			return l, err
		}
		if !logged {
			o.Log.Info("waiting for the workers of the primary before this one, which was killed", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// leftBehind reports whether a primary ended without removing its socket.
func leftBehind(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// happened records a resolved problem for the status.
func (p *primary) happened(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.incident = time.Now().UTC().Format("2006-01-02T15:04:05.000Z ") + what
}

// endAll drains every worker. Closing a shared socket resets the connections in
// its queue. So endAll first refuses new connections, while the workers still
// accept the queued ones.
func (p *primary) endAll(hard context.Context, l *listen.Listener) error {
	p.log.Info("ending all workers")
	announce := p.Config.Lifecycle.Announce
	var workers []*process
	for _, s := range p.slots {
		workers = append(workers, s.processes()...)
	}
	const early = 100 * time.Millisecond
	var err error
	if announce > early {
		err = terminateAll(workers)
		select {
		case <-time.After(announce - early):
		case <-hard.Done():
		}
	}
	err = errors.Join(err, p.socket.Close(), l.Retire(hard))
	if announce <= early {
		err = errors.Join(err, terminateAll(workers))
	}
	var all sync.WaitGroup
	ends := make([]error, len(workers))
	for i, w := range workers {
		all.Go(func() { ends[i] = p.awaitEnd(hard, w) })
	}
	all.Wait()
	return errors.Join(err, errors.Join(ends...))
}

func terminateAll(workers []*process) error {
	var err error
	for _, w := range workers {
		err = errors.Join(err, w.signal(syscall.SIGTERM))
	}
	return err
}

// hardLimit is the time that a worker has to end after a second signal.
const hardLimit = 2 * time.Second

// awaitEnd waits for a worker that was told to end.
func (p *primary) awaitEnd(hard context.Context, w *process) error {
	limit := p.Config.Lifecycle.Stop
	select {
	case <-w.exited:
	case <-hard.Done():
		if err := w.signal(syscall.SIGTERM); err != nil { // the second signal
			return err
		}
		limit = hardLimit
	case <-time.After(limit):
	}
	if limit == hardLimit {
		select {
		case <-w.exited:
		case <-time.After(limit):
		}
	}
	if w.alive() {
		err := w.signal(syscall.SIGKILL)
		<-w.exited
		return errors.Join(fmt.Errorf("worker %d (pid %d) had not ended after %s and was killed", w.slot, w.pid(), limit), err)
	}
	if w.code != 0 && w.stopRequested.Load() && w.readyAt.Load() != 0 {
		return fmt.Errorf("worker %d (pid %d) ended with status %d", w.slot, w.pid(), w.code)
	}
	return nil
}
