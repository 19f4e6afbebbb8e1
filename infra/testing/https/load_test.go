package https

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/loadgen"
)

// secure is a TLS connection that gives the load generator access to its socket.
// The generator checks there whether the server closed the idle connection.
type secure struct {
	*tls.Conn
	raw *net.TCPConn
}

func (s secure) SyscallConn() (syscall.RawConn, error) { return s.raw.SyscallConn() }

// dialTLS connects to an address with TLS.
func dialTLS(config *tls.Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		raw, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c := tls.Client(raw, config)
		if err := c.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, err
		}
		return secure{c, raw.(*net.TCPConn)}, nil
	}
}

// load is a load of 500 requests per second, a third of them POSTs, over kept and
// new connections, and of WebSockets that echo messages.
type load struct {
	t       *testing.T
	run     *loadgen.Generator
	end     context.CancelFunc
	sockets sync.WaitGroup
	mu      sync.Mutex
	lost    []error
	echoes  int
}

const socketCount = 20

func (s *stack) startLoad(address string) *load {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	l := &load{t: s.t, end: cancel}
	config := s.trusting()
	config.ServerName = name
	o := loadgen.NewOptions("http://" + address)
	o.Host, o.Clients, o.Dial = name, 200, dialTLS(config)
	// Each request over a new connection needs a handshake. Its rate is low because
	// other tests run on the same computer.
	o.Streams = []loadgen.Stream{
		{Name: "get", Method: http.MethodGet, Path: "/", Rate: 320, Status: 200, Connections: loadgen.Kept},
		{Name: "post", Method: http.MethodPost, Path: "/echo", Rate: 160, BodyBytes: 512, Echo: true, Status: 200, Connections: loadgen.Kept},
		{Name: "fresh", Method: http.MethodGet, Path: "/", Rate: 20, Status: 200, Connections: loadgen.Fresh},
	}
	var err error
	l.run, err = loadgen.Start(ctx, o)
	require.NoError(s.t, err)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: config,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, address)
		},
	}}
	for range socketCount {
		l.sockets.Go(func() { l.echo(ctx, client) })
	}
	return l
}

// echo keeps one WebSocket and exchanges a message ten times a second.
func (l *load) echo(ctx context.Context, client *http.Client) {
	c, _, err := websocket.Dial(ctx, "wss://"+name+"/ws", &websocket.DialOptions{HTTPClient: client}) //nolint:bodyclose // the library says never to
	if err == nil {
		defer c.CloseNow()
	}
	for n := 0; err == nil; n++ {
		text := strconv.Itoa(n)
		var got []byte
		if err = c.Write(context.WithoutCancel(ctx), websocket.MessageText, []byte(text)); err != nil {
			break
		}
		if _, got, err = c.Read(context.WithoutCancel(ctx)); err == nil && string(got) != text {
			err = fmt.Errorf("%q came back for %q", got, text)
		}
		l.mu.Lock()
		l.echoes++
		l.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
	l.recordFailure(err)
}

// recordFailure records a failure beside the requests. It ignores a nil error.
func (l *load) recordFailure(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.lost = append(l.lost, err)
	}
}

// stop ends the load. If the computer was too busy to send the load in time,
// failures prove nothing, and the test is skipped.
func (l *load) stop() *loadgen.Result {
	l.t.Helper()
	l.end()
	result, err := l.run.Wait()
	require.NoError(l.t, err)
	l.sockets.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if why := loadgen.Overload(result.Lag); why != "" && (result.Total.Failed > 0 || len(l.lost) > 0) {
		l.t.Skipf("this computer is too busy to tell a loss: %s (%d failed, %v)", why, result.Total.Failed, l.lost)
	}
	l.t.Logf("%d requests, %d failed (%v), %d connections opened, %d closed idle; %d messages over %d WebSockets, beside them lost: %v",
		result.Total.Arrivals, result.Total.Failed, result.Total.Kinds, result.Total.Opened, result.Total.IdleClosed, l.echoes, socketCount, l.lost)
	return result
}

func TestRenewalsLoseNothingUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("a load of half a minute")
	}
	// A renewal takes up to 12 s from its due time: a round of the agent, the lock,
	// the authority.
	s := newStack(t, 45*time.Second)
	b := s.startLeading("one", spec(name))
	serials := map[string]bool{s.certified(b, name): true}
	l := s.startLoad(b.https)
	// The authority chooses a random time for a renewal, at the latest two thirds of
	// the lifetime.
	for end := time.Now().Add(150 * time.Second); len(serials) < 3 && time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		if now, err := serial(b.https, name, s.trusting()); err != nil {
			l.recordFailure(err)
		} else {
			serials[now] = true
		}
	}
	if len(serials) < 3 {
		l.recordFailure(fmt.Errorf("%d certificates were served", len(serials)))
	}
	result := l.stop()
	t.Logf("%d certificates served, %d orders", len(serials), s.authority.Orders())
	assert.Zero(t, result.Total.Failed)
	assert.Zero(t, result.Total.IdleClosed)
	assert.Empty(t, l.lost)
	assert.LessOrEqual(t, s.authority.Orders(), len(serials)+1)
}

func TestReplacedMachineKeepsTheCertificate(t *testing.T) {
	if testing.Short() {
		t.Skip("a load of some seconds")
	}
	s := newStack(t, time.Hour)
	one := s.startLeading("one", spec(name))
	before := s.certified(one, name)
	l := s.startLoad(s.https.address())
	two := s.start("two", spec(name))
	assert.Equal(t, before, s.certified(two, name), "before the address moves")
	s.pointTo(two)
	time.Sleep(3 * time.Second)
	now, err := serial(s.https.address(), name, s.trusting())
	if err != nil {
		l.recordFailure(err)
	}
	result := l.stop()
	assert.Equal(t, before, now)
	assert.Zero(t, result.Total.Failed)
	assert.Zero(t, result.Total.IdleClosed)
	assert.Empty(t, l.lost)
	assert.Equal(t, 1, s.authority.Orders())
}
