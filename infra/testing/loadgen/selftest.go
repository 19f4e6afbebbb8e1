package loadgen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// SelfTest runs the generator against a server in this process that fails in a
// known way and a known number of times: every tenth request is cut, and each
// WebSocket is cut once. If the generator counts anything else, SelfTest
// returns an error. It takes about a second.
func SelfTest(ctx context.Context) (string, error) {
	server := &failing{}
	s := httptest.NewServer(server)
	defer s.Close()
	mix := NewMix()
	mix.Rate, mix.PostShare, mix.SlowRate = 200, 0.5, 0
	o := NewOptions(s.URL)
	o.Streams = mix.Streams()
	o.Duration = time.Second
	sockets := NewSockets()
	sockets.Rooms, sockets.ClientsPerRoom = 1, 2
	o.Sockets = &sockets
	r, err := Run(ctx, o)
	if err != nil {
		return "", fmt.Errorf("self-test of the load: %w", err)
	}
	sent, cut := uint64(server.requests.Load()), uint64(server.cut.Load())
	switch {
	case sent != r.Total.Arrivals || sent == 0:
		return "", fmt.Errorf("self-test of the load: it says that it sent %d requests, and %d came", r.Total.Arrivals, sent)
	case cut != r.Total.Failed || cut == 0:
		return "", fmt.Errorf("self-test of the load: it says that %d requests failed, and %d were cut", r.Total.Failed, cut)
	case r.Sockets.Unclean != uint64(server.hung.Load()) || r.Sockets.Unclean == 0:
		return "", fmt.Errorf("self-test of the load: it says that %d WebSockets were closed uncleanly, and %d were cut", r.Sockets.Unclean, server.hung.Load())
	case r.Clean() == nil:
		return "", errors.New("self-test of the load: it calls a load clean that was not")
	}
	return fmt.Sprintf("of %d requests %d were cut on purpose, and it counted %d; of the WebSockets %d, and it counted %d",
		sent, cut, r.Total.Failed, server.hung.Load(), r.Sockets.Unclean), nil
}

// failing is the self-test's server.
type failing struct{ requests, cut, sockets, hung atomic.Int64 }

func (f *failing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == NewSockets().Path {
		f.echo(w, r)
		return
	}
	if f.requests.Add(1)%10 == 0 {
		f.cut.Add(1)
		cut(w)
		return
	}
	_, _ = io.Copy(w, http.MaxBytesReader(w, r.Body, largestBody)) // the load counts failures here
}

// echo returns each WebSocket's messages to it. The first two WebSockets are
// cut after one message.
func (f *failing) echo(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	unlucky := f.sockets.Add(1) <= 2
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		if err := conn.Write(r.Context(), kind, message); err != nil {
			return
		}
		if unlucky {
			f.hung.Add(1)
			return
		}
	}
}

// cut ends a request's connection with RST.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
