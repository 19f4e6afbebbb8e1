package rooms

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func options() Options {
	return Options{
		PingInterval: time.Minute, MaxMessageBytes: 1000, Rate: 1000, Burst: 1000,
		Queue: 64, QueueBytes: 4 << 20, QueuesBytes: 64 << 20, Slow: CloseSlow, MaxClients: 100, Log: slog.New(slog.DiscardHandler),
		Metrics: prometheus.NewRegistry(),
	}
}

// network is a hub with its connections in memory, in a bubble of
// testing/synctest, whose clock stops while code runs.
type network struct {
	*Hub
	client *http.Client
}

// serve runs a hub with the options until the test ends.
func serve(t *testing.T, o Options) network {
	t.Helper()
	h := New(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- h.Run(ctx) }()
	l := newListener()
	s := &http.Server{Handler: h}
	go func() { _ = s.Serve(l) }()
	transport := &http.Transport{DialContext: l.dial}
	t.Cleanup(func() {
		h.CloseAll(context.Background(), 0)
		cancel()
		assert.NoError(t, <-done)
		transport.CloseIdleConnections()
		assert.NoError(t, s.Close())
	})
	return network{h, &http.Client{Transport: transport}}
}

// try requests a WebSocket.
func (n network) try(t *testing.T, query string, o *websocket.DialOptions) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	if o == nil {
		o = &websocket.DialOptions{}
	}
	o.HTTPClient = n.client
	c, res, err := websocket.Dial(t.Context(), "ws://hub/"+query, o)
	if err == nil {
		c.SetReadLimit(1 << 20)
		t.Cleanup(func() { _ = c.CloseNow() })
	}
	return c, res, err
}

// join opens a WebSocket in the room tea.
func (n network) join(t *testing.T, o *websocket.DialOptions) *websocket.Conn {
	t.Helper()
	c, _, err := n.try(t, "?room=tea", o) //nolint:bodyclose // the library closes it
	require.NoError(t, err)
	return c
}

// next returns the server's next message.
func next(t *testing.T, c *websocket.Conn) map[string]any {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, b, err := c.Read(ctx)
	require.NoError(t, err)
	var v map[string]any
	require.NoError(t, json.Unmarshal(b, &v))
	return v
}

// ended reads until the connection ends and returns its status.
func ended(t *testing.T, c *websocket.Conn) websocket.StatusCode {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		if _, _, err := c.Read(ctx); err != nil {
			require.NoError(t, ctx.Err(), "it did not end")
			return websocket.CloseStatus(err)
		}
	}
}

func TestWelcomeAndNames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := options()
		o.Identify = func(r *http.Request) string { return r.Header.Get("X-Name") }
		c := serve(t, o).join(t, &websocket.DialOptions{HTTPHeader: http.Header{"X-Name": {"Anna"}}})
		hello := next(t, c)
		assert.Equal(t, "welcome", hello["type"])
		assert.Equal(t, "tea", hello["room"])
		assert.InDelta(t, 1, hello["members"], 0)
		assert.Equal(t, false, hello["shared"])
		require.NoError(t, c.Write(t.Context(), websocket.MessageText, []byte("hi <b>\xff")))
		for {
			m := next(t, c)
			if m["type"] != "message" {
				continue
			}
			assert.Equal(t, hello["you"], m["from"])
			assert.Equal(t, "Anna", m["name"])
			assert.Equal(t, "hi <b>\ufffd", m["text"], "what is not UTF-8 does not reach other clients")
			return
		}
	})
}

func TestLimits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		options func(*Options)
		send    func(context.Context, *websocket.Conn) error
		want    websocket.StatusCode
	}{
		{"a message that is too long", func(*Options) {}, func(ctx context.Context, c *websocket.Conn) error {
			return c.Write(ctx, websocket.MessageText, make([]byte, 1001))
		}, websocket.StatusMessageTooBig},
		{"too many messages", func(o *Options) { o.Rate, o.Burst = 1, 3 }, func(ctx context.Context, c *websocket.Conn) error {
			for range 4 {
				if err := c.Write(ctx, websocket.MessageText, []byte("x")); err != nil {
					return err
				}
			}
			return nil
		}, websocket.StatusPolicyViolation},
		{"a binary message", func(*Options) {}, func(ctx context.Context, c *websocket.Conn) error {
			return c.Write(ctx, websocket.MessageBinary, []byte("x"))
		}, websocket.StatusUnsupportedData},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := options()
				tt.options(&o)
				n := serve(t, o)
				c := n.join(t, nil)
				require.NoError(t, tt.send(t.Context(), c))
				assert.Equal(t, tt.want, ended(t, c))
				synctest.Wait()
				assert.Zero(t, n.Open())
			})
		})
	}
}

func TestMessageOfTheGreatestLengthPasses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := serve(t, options()).join(t, nil)
		require.NoError(t, c.Write(t.Context(), websocket.MessageText, []byte(strings.Repeat("x", 1000))))
		for next(t, c)["type"] != "message" {
		}
	})
}

// TestSlowClients checks the policies for a client that does not read while
// another client sends messages.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	for _, policy := range []Policy{CloseSlow, DropSlow} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := options()
				o.Slow, o.Queue, o.MaxMessageBytes, o.Rate, o.Burst = policy, 4, 1<<20, 1e6, 1e6
				n := serve(t, o)
				slow := n.join(t, nil)
				talker := n.join(t, nil)
				go drain(talker) // the talker must read the messages that it gets back
				big := []byte(strings.Repeat("x", 512<<10))
				for testutil.ToFloat64(n.counts.slow) == 0 {
					require.NoError(t, talker.Write(t.Context(), websocket.MessageText, big))
					synctest.Wait()
				}
				if policy == DropSlow {
					assert.Equal(t, 2, n.Open(), "it stays, and misses something")
					assert.Equal(t, "welcome", next(t, slow)["type"])
					return
				}
				time.Sleep(writeLimit + closeLimit)
				synctest.Wait()
				assert.Equal(t, 1, n.Open(), "it is sent away, the talker stays")
			})
		})
	}
}

// drain reads until the connection ends.
func drain(c *websocket.Conn) {
	for {
		if _, _, err := c.Read(context.Background()); err != nil {
			return
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := options()
		o.MaxClients, o.Origins = 1, []string{"*.example.org"}
		n := serve(t, o)
		tests := []struct {
			name, query, origin string
			want                int
		}{
			{"no room", "", "", http.StatusBadRequest},
			{"a room with a strange name", "?room=a%20b", "", http.StatusBadRequest},
			{"another site's page", "?room=tea", "https://evil.example", http.StatusForbidden},
			{"the page of an allowed site", "?room=tea", "https://app.example.org", http.StatusSwitchingProtocols},
			{"no room for more", "?room=tea", "", http.StatusServiceUnavailable},
		}
		for _, tt := range tests { // in this order, because the last needs the previous one
			header := http.Header{}
			if tt.origin != "" {
				header.Set("Origin", tt.origin)
			}
			_, res, err := n.try(t, tt.query, &websocket.DialOptions{HTTPHeader: header}) //nolint:bodyclose // the library closes it
			require.NotNil(t, res, "%s: %v", tt.name, err)
			assert.Equal(t, tt.want, res.StatusCode, tt.name)
			synctest.Wait()
			if err == nil {
				assert.Equal(t, 1, n.Open())
			}
		}
	})
}

func TestPingsComeInEvenIntervals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := serve(t, options())
		var pings []time.Time
		c := n.join(t, &websocket.DialOptions{OnPingReceived: func(context.Context, []byte) bool {
			pings = append(pings, time.Now())
			return true
		}})
		go drain(c)
		time.Sleep(3*time.Minute + time.Second)
		synctest.Wait()
		require.Len(t, pings, 3)
		assert.Equal(t, time.Minute, pings[1].Sub(pings[0]))
		assert.Equal(t, time.Minute, pings[2].Sub(pings[1]))
		assert.Equal(t, 1, n.Open())
	})
}

func TestPingsFindDeadClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := options()
		n := serve(t, o)
		n.join(t, nil) // this client does not read, so it does not answer pings
		time.Sleep(pongLimit - time.Millisecond)
		synctest.Wait()
		assert.Equal(t, 1, n.Open(), "a client has this long to answer")
		time.Sleep(o.PingInterval)
		synctest.Wait()
		assert.Zero(t, n.Open())
	})
}

func TestPresenceIsToldOncePerTick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := serve(t, options())
		first := n.join(t, nil)
		assert.InDelta(t, 1, next(t, first)["members"], 0, "its welcome")
		const others = 30
		for range others {
			n.join(t, nil)
		}
		assert.InDelta(t, others+1, next(t, first)["members"], 0, "many joins make one message")
	})
}

// TestNewcomersOfAClosingWorkerConnectAgain checks that a WebSocket that reaches a
// worker on its way out ends as the open ones do. Its handshake is a request, and a
// release fails none.
func TestNewcomersOfAClosingWorkerConnectAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := serve(t, options())
		c := n.join(t, nil)
		go n.CloseAll(t.Context(), 0)
		assert.Equal(t, websocket.StatusGoingAway, ended(t, c))
		late, _, err := n.try(t, "?room=tea", nil) //nolint:bodyclose // the library closes it
		require.NoError(t, err)
		assert.Equal(t, websocket.StatusGoingAway, ended(t, late))
		assert.Zero(t, n.Open())
	})
}

func TestClosesAreSpreadEvenly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const clients, over = 40, 2 * time.Second
		n := serve(t, options())
		ends := make(chan time.Duration, clients)
		var begin time.Time
		for range clients {
			c := n.join(t, nil)
			go func() {
				assert.Equal(t, websocket.StatusGoingAway, ended(t, c))
				ends <- time.Since(begin)
			}()
		}
		synctest.Wait()
		begin = time.Now()
		n.CloseAll(t.Context(), over)
		synctest.Wait()
		for i := range clients {
			assert.Equal(t, over*time.Duration(i)/clients, <-ends)
		}
		assert.Zero(t, n.Open())
	})
}
