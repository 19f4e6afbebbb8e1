package prefork

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"escala/service/listen"
)

// Names of the preflight's sockets in RunDir.
const (
	preflightSocket = "preflight.sock"
	preflightAdmin  = "preflight-admin.sock"
)

// preflight tries a program on its own socket before any worker runs it. The
// program must become ready, report the release of its checksum, answer the
// health path, answer / with any status below 500, and end on SIGTERM. A program
// that fails here has served no request.
func (p *primary) preflight(ctx context.Context, exe *executable) error {
	own := listen.Address{Network: listen.Unix, Path: filepath.Join(p.Config.RunDir, preflightSocket)}
	defer os.Remove(own.Path)
	proc, err := p.spawner.start(p.Options, exe, start{
		slot: len(p.slots), listen: own.String(), admin: filepath.Join(p.Config.RunDir, preflightAdmin),
	})
	if err != nil {
		return err
	}
	defer func() {
		if proc.alive() {
			_ = proc.signal(syscall.SIGKILL) // fails if the process has just ended
			<-proc.exited
		}
	}()
	if err := proc.awaitReady(ctx, p.Config.ReadyPath, p.Config.Lifecycle.Start); err != nil {
		return err
	}
	if err := p.request(ctx, own.Path, exe); err != nil {
		return err
	}
	if err := proc.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-proc.exited:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(p.Config.Lifecycle.Stop):
		return fmt.Errorf("it does not end within %s of SIGTERM", p.Config.Lifecycle.Stop)
	}
	if proc.code != 0 {
		return fmt.Errorf("it ends with status %d on SIGTERM, not 0", proc.code)
	}
	return nil
}

// requestLimit is the time limit of each request in a preflight.
const requestLimit = 5 * time.Second

// request requests the program's health path and /.
func (p *primary) request(ctx context.Context, socket string, exe *executable) error {
	client := &http.Client{Timeout: requestLimit, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
	}}
	ask := func(path string) (int, string, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://preflight"+path, nil)
		if err != nil {
			return 0, "", err
		}
		res, err := client.Do(req)
		if err != nil {
			return 0, "", fmt.Errorf("%s is not answered: %w", path, err)
		}
		// The body is not read, because it may be a stream that never ends.
		return res.StatusCode, res.Header.Get("X-Release"), res.Body.Close()
	}
	switch code, release, err := ask(p.Config.Worker.HealthPath); {
	case err != nil:
		return err
	case code != http.StatusOK:
		return fmt.Errorf("%s answers %d, not 200", p.Config.Worker.HealthPath, code)
	case release != exe.release:
		return fmt.Errorf("it answers as release %.12s", release)
	}
	// A service may answer its root path with any status, but an error of the
	// server is a failure.
	if code, _, err := ask("/"); err != nil {
		return err
	} else if code >= http.StatusInternalServerError {
		return fmt.Errorf("/ answers %d", code)
	}
	return nil
}
