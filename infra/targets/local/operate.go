package local

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"escala/cloudinit/agent/store"
	"escala/infra/operate"
	"escala/service/event"
)

var (
	_ operate.StatusReporter = (*Local)(nil)
	_ operate.Eventer        = (*Local)(nil)
)

// Status asks the machine at its own address, and reads what the machine wrote to
// the release store, which is a folder.
func (l *Local) Status(ctx context.Context, s *operate.Stack) (operate.Status, error) {
	return l.machines(s).Status(ctx), nil
}

// Events returns what the machine wrote to the release store.
func (l *Local) Events(ctx context.Context, s *operate.Stack, since time.Time) ([]event.Event, error) {
	return l.machines(s).Events(ctx, since)
}

func (l *Local) machines(s *operate.Stack) operate.Machines {
	m := operate.Machines{Stack: s, NoObjects: operate.ErrNothing, Client: l.client(s)}
	for _, r := range s.WithReplaced("escala:local:Machine") {
		m.At = append(m.At, operate.At{ID: r.ID, URLs: []string{"http://" + r.Text("ip")}, Replaced: r.Replaced})
	}
	for _, r := range s.OfType("escala:local:Store") {
		m.Objects = store.Folder(filepath.Join(s.State, r.Text("folder")))
	}
	return m
}

// client returns a client that trusts the test authority and connects to this
// computer for the service's names. It returns nil if the roots cannot be read.
func (l *Local) client(s *operate.Stack) *http.Client {
	roots, err := os.ReadFile(filepath.Join(s.Root, s.Text("roots")))
	if err != nil {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(roots)
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", strconv.Itoa(l.settings.HTTPSPort)))
		},
	}}
}
