package host

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"escala/cloudinit/agent"
	"escala/service"
)

// Upstreams makes Nginx send requests to the agent's upstreams, over a socket that
// only root can reach. machine/upstreams.lua is the other side. Nginx reads
// UpstreamsFile when it starts.
type Upstreams struct {
	Root Root
	// PortsBase is the port of the worker in the first slot.
	PortsBase int
}

var _ agent.Proxy = Upstreams{}

// upstreamsLimit is larger than Nginx' list of the most workers, in bytes.
const upstreamsLimit = 256 << 10

// lines returns the upstreams in the form of the file: port, worker, release.
func (u Upstreams) lines(upstreams []agent.Upstream) []byte {
	var b bytes.Buffer
	for _, one := range upstreams {
		fmt.Fprintf(&b, "%d %d %s\n", u.PortsBase+one.Slot, one.Worker, one.Release)
	}
	return b.Bytes()
}

// Current reads the file.
func (u Upstreams) Current() ([]agent.Upstream, error) {
	content, err := os.ReadFile(u.Root.path(UpstreamsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []agent.Upstream
	for line := range strings.Lines(string(content)) {
		var port, worker int
		var release string
		if _, err := fmt.Sscan(line, &port, &worker, &release); err == nil {
			out = append(out, agent.Upstream{Slot: port - u.PortsBase, Worker: worker, Release: service.ReleaseID(release)})
		}
	}
	return out, nil
}

// Use writes the file for an Nginx that starts later, and sends it to the running
// one.
func (u Upstreams) Use(ctx context.Context, upstreams []agent.Upstream) error {
	content := u.lines(upstreams)
	path := u.Root.path(UpstreamsFile)
	if existing, err := os.ReadFile(path); err != nil || !bytes.Equal(existing, content) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path+".new", content, 0o644); err != nil {
			return err
		}
		if err := os.Rename(path+".new", path); err != nil {
			return err
		}
	}
	current, err := u.ask(ctx, http.MethodGet, "/", nil)
	if errors.Is(err, agent.ErrProxyDown) {
		return nil // it reads the file at its start
	}
	if err != nil {
		return fmt.Errorf("asking Nginx: %w", err)
	}
	if bytes.Equal(current, content) {
		return nil
	}
	if _, err := u.ask(ctx, http.MethodPut, "/", content); err != nil {
		return fmt.Errorf("telling Nginx: %w", err)
	}
	return nil
}

// Busy adds up the counts of Nginx' processes. A process that was killed no longer
// counts.
func (u Upstreams) Busy(ctx context.Context) (map[int]int, error) {
	content, err := u.ask(ctx, http.MethodGet, "/busy", nil)
	if err != nil {
		return nil, err
	}
	busy := map[int]int{}
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		var port, pid, requests int
		if _, err := fmt.Sscan(lines.Text(), &port, &pid, &requests); err != nil {
			return nil, fmt.Errorf("reading what Nginx counts: %q: %w", lines.Text(), err)
		}
		if _, err := os.Stat("/proc/" + strconv.Itoa(pid)); err == nil {
			busy[port-u.PortsBase] += requests
		}
	}
	return busy, nil
}

func (u Upstreams) ask(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, nginxTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://nginx"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := exchange(ctx, u.Root.path(UpstreamsSocket), req)
	// A killed Nginx leaves its socket behind.
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("%w: %w", agent.ErrProxyDown, err)
	}
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, upstreamsLimit))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s: %.200s", resp.Status, content)
	}
	return content, nil
}
