package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"escala/infra/build"
	"escala/service/status"
)

// compile builds a static binary, as it is deployed, from a package of the
// module at root.
func compile(ctx context.Context, root, dir, pkg string) (string, error) {
	path := filepath.Join(dir, filepath.Base(pkg))
	cmd := exec.CommandContext(ctx, "go", build.Arguments(path, pkg)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", pkg, err, out)
	}
	return path, nil
}

// server is a measured process.
type server struct {
	cmd     *exec.Cmd
	address string
}

// start runs one of the two servers on a free port with one processor.
func start(ctx context.Context, path string, env ...string) (*server, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("finding a port: %w", err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, fmt.Errorf("finding a port: %w", err)
	}
	s := &server{cmd: exec.CommandContext(ctx, path, "serve"), address: address}
	s.cmd.Env = append([]string{"ADDRESS=" + address, "LISTEN=tcp:" + address, "LOG_LEVEL=error", "GOMAXPROCS=1"}, env...)
	s.cmd.Stderr, s.cmd.Stdout = os.Stderr, os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", path, err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return s, c.Close()
		}
		if time.Now().After(deadline) {
			s.stop()
			return nil, fmt.Errorf("waiting for %s: %w", path, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	_ = s.cmd.Wait()
}

// memory returns the resident memory in bytes.
func (s *server) memory() (uint64, error) { return status.Memory(s.cmd.Process.Pid) }
