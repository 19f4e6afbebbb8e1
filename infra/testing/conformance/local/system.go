package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"escala/infra/program"
	"escala/infra/targets/local/host"
	"escala/infra/targets/local/podman"
	"escala/infra/targets/local/provider"
	"escala/infra/testing/conformance"
	"escala/infra/testing/conformance/source"
	"escala/infra/testing/conformance/stack"
	"escala/service/machine"
)

// System is the local target's machine. Make one with New.
type System struct {
	root   string // the clone under test, which is copied
	folder string // the copy
	stack  *stack.Stack
	pod    podman.Podman
	url    string
	// good holds the ids of the good releases, the latest last. A fault may be
	// injected during a release, so mu guards it.
	mu     sync.Mutex
	good   []string
	killed int
}

var _ conformance.System = (*System)(nil)

// New returns the target for the clone at root.
func New(root string) *System { return &System{root: root} }

func (*System) Name() string { return "local" }

// workers is the default number of workers.
const workers = 2

func (s *System) Start(ctx context.Context) (conformance.Endpoint, error) {
	none := conformance.Endpoint{}
	if err := host.Install(ctx, os.Stderr); err != nil {
		return none, err
	}
	// The path is short because podman rejects long paths.
	var err error
	if s.folder, err = os.MkdirTemp("", "cl"); err != nil {
		return none, fmt.Errorf("making a folder: %w", err)
	}
	clone, err := source.NewClone(s.root, s.folder)
	if err != nil {
		return none, err
	}
	port, err := freePort()
	if err != nil {
		return none, err
	}
	s.stack = NewStack(clone, map[string]any{
		"target": "local",
		"local":  map[string]any{"port": port},
		"service": map[string]any{
			"webSocket": map[string]any{"rooms": true},
			"redis":     map[string]any{"mode": "local"},
			// The suite has few clients, so they need not reconnect one by one
			// over a longer time.
			"lifecycle": map[string]any{"closeJitter": "2s"},
		},
	})
	s.pod = podman.Podman{Folder: provider.PodmanFolder(s.state())}
	s.url = fmt.Sprintf("http://127.0.0.1:%d", port)
	if err := s.up(ctx); err != nil {
		return none, err
	}
	return conformance.Endpoint{
		URL: s.url, Rooms: true, WorkersOutlive: true,
		About: fmt.Sprintf("A Debian 12 machine with systemd in a container, made by the program as it would be in a cloud: "+
			"Nginx, supervisord, %d workers on one socket, Redis for the rooms. Each release is a change of the source and goes the way of make up.", workers),
	}, nil
}

func (s *System) state() string { return filepath.Join(s.folder, program.StateFolder) }

func (s *System) Stop(ctx context.Context) error {
	var err error
	if s.stack != nil {
		err = s.stack.Destroy(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w\n(its state is left in %s)", err, s.folder)
	}
	return os.RemoveAll(s.folder)
}

// Status reads the state that the machine publishes at machine.StatusPath.
func (s *System) Status(ctx context.Context) (conformance.Status, error) {
	var said machine.Status
	if err := readJSON(ctx, s.url+machine.StatusPath, &said); err != nil {
		return conformance.Status{}, err
	}
	out := conformance.Status{Wanted: string(said.Wanted), Workers: len(said.Workers), Incident: said.Incident}
	for i, w := range said.Workers {
		if w.Ready {
			out.Ready++
		}
		if i == 0 {
			out.Serving = string(w.Release)
		} else if string(w.Release) != out.Serving {
			out.Serving = ""
		}
	}
	switch said.Phase {
	case machine.Rolling, machine.Baking:
	case machine.Serving:
		out.Reason = said.Trouble()
	default:
		out.Reason = said.Reason
	}
	return out, nil
}

// machine returns the name of the only machine.
func (s *System) machine() (string, error) { return only(filepath.Join(s.state(), "machines")) }

// store returns the folder of the only release store.
func (s *System) store() (string, error) {
	folder := filepath.Join(s.state(), "stores")
	name, err := only(folder)
	return filepath.Join(folder, name), err
}

func only(folder string) (string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	if len(entries) != 1 {
		return "", fmt.Errorf("%d entries in %s, not one", len(entries), folder)
	}
	return entries[0].Name(), nil
}

func readJSON(ctx context.Context, url string, v any) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, res.Status)
	}
	content, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	return json.Unmarshal(content, v)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it ends at once
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.New("looking for a free port: that is no TCP address")
	}
	return address.Port, nil
}
