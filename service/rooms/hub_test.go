package rooms

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
		Queue: 64, Slow: CloseSlow, MaxClients: 100, Log: slog.New(slog.DiscardHandler),
		Metrics: prometheus.NewRegistry(),
	}
}

// serve runs a hub with the options and returns it with its URL.
func serve(t *testing.T, o Options) (*Hub, string) {
	t.Helper()
	h := New(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- h.Run(ctx) }()
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		closing, stop := context.WithTimeout(context.Background(), 3*time.Second)
		defer stop()
		h.CloseAll(closing, 0)
		cancel()
		assert.NoError(t, <-done)
		s.Close()
	})
	return h, "ws" + strings.TrimPrefix(s.URL, "http")
}

func dial(t *testing.T, url string, o *websocket.DialOptions) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), url, o) //nolint:bodyclose // the library closes it
	require.NoError(t, err)
	c.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

// next reads what the server says next.
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

// ended reads until the connection ends and says how.
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
	o := options()
	o.Identify = func(r *http.Request) string { return r.Header.Get("X-Name") }
	_, url := serve(t, o)
	c := dial(t, url+"?room=tea", &websocket.DialOptions{HTTPHeader: http.Header{"X-Name": {"Anna"}}})
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
			o := options()
			tt.options(&o)
			h, url := serve(t, o)
			c := dial(t, url+"?room=tea", nil)
			require.NoError(t, tt.send(t.Context(), c))
			assert.Equal(t, tt.want, ended(t, c))
			require.Eventually(t, func() bool { return h.Open() == 0 }, 5*time.Second, 5*time.Millisecond)
		})
	}
}

func TestMessageOfTheGreatestLengthPasses(t *testing.T) {
	t.Parallel()
	_, url := serve(t, options())
	c := dial(t, url+"?room=tea", nil)
	require.NoError(t, c.Write(t.Context(), websocket.MessageText, []byte(strings.Repeat("x", 1000))))
	for next(t, c)["type"] != "message" {
	}
}

// TestSlowClients has one client that does not read while another talks.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	for _, policy := range []Policy{CloseSlow, DropSlow} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			o := options()
			o.Slow, o.Queue, o.MaxMessageBytes, o.Rate, o.Burst = policy, 4, 1<<20, 1e6, 1e6
			h, url := serve(t, o)
			slow := dial(t, url+"?room=tea", nil)
			talker := dial(t, url+"?room=tea", nil)
			go func() { // the talker reads what comes back
				for {
					if _, _, err := talker.Read(context.Background()); err != nil {
						return
					}
				}
			}()
			big := []byte(strings.Repeat("x", 512<<10))
			for testutil.ToFloat64(h.counts.slow) == 0 {
				require.NoError(t, talker.Write(t.Context(), websocket.MessageText, big))
				time.Sleep(5 * time.Millisecond)
			}
			if policy == DropSlow {
				assert.Equal(t, 2, h.Open(), "it stays, and misses something")
				assert.Equal(t, "welcome", next(t, slow)["type"])
				return
			}
			require.Eventually(t, func() bool { return h.Open() == 1 }, 5*time.Second, 10*time.Millisecond, "it is sent away, the talker stays")
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	o := options()
	o.MaxClients, o.Origins = 1, []string{"*.example.org"}
	h, url := serve(t, o)
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
	for _, tt := range tests { // in this order: the last needs the one before
		header := http.Header{}
		if tt.origin != "" {
			header.Set("Origin", tt.origin)
		}
		c, res, err := websocket.Dial(t.Context(), url+tt.query, &websocket.DialOptions{HTTPHeader: header}) //nolint:bodyclose // the library closes it
		require.NotNil(t, res, "%s: %v", tt.name, err)
		assert.Equal(t, tt.want, res.StatusCode, tt.name)
		if err == nil {
			t.Cleanup(func() { _ = c.CloseNow() })
			require.Eventually(t, func() bool { return h.Open() == 1 }, 5*time.Second, time.Millisecond)
		}
	}
}

func TestPingsFindDeadClients(t *testing.T) {
	t.Parallel()
	o := options()
	o.PingInterval = 50 * time.Millisecond
	h, url := serve(t, o)
	pings := make(chan struct{}, 100)
	c := dial(t, url+"?room=tea", &websocket.DialOptions{OnPingReceived: func(context.Context, []byte) bool {
		pings <- struct{}{}
		return true
	}})
	go func() { _, _, _ = c.Read(context.Background()); _, _, _ = c.Read(context.Background()) }()
	for range 3 {
		select {
		case <-pings:
		case <-time.After(5 * time.Second):
			require.FailNow(t, "no ping")
		}
	}
	assert.Equal(t, 1, h.Open())
}

func TestPresenceIsToldOncePerTick(t *testing.T) {
	t.Parallel()
	_, url := serve(t, options())
	first := dial(t, url+"?room=tea", nil)
	const others = 30
	for range others {
		dial(t, url+"?room=tea", nil)
	}
	told := 0
	for {
		m := next(t, first)
		told++
		if m["members"].(float64) == others+1 {
			break
		}
	}
	assert.Less(t, told, others, "many joins make few messages")
}

func TestClosingRefusesNewcomers(t *testing.T) {
	t.Parallel()
	h, url := serve(t, options())
	c := dial(t, url+"?room=tea", nil)
	done := make(chan websocket.StatusCode)
	go func() {
		_, _, err := c.Read(context.Background())
		for err == nil {
			_, _, err = c.Read(context.Background())
		}
		done <- websocket.CloseStatus(err)
	}()
	require.Eventually(t, func() bool { return h.Open() == 1 }, 5*time.Second, time.Millisecond)
	h.CloseAll(t.Context(), 0)
	assert.Equal(t, websocket.StatusGoingAway, <-done)
	_, res, err := websocket.Dial(t.Context(), url+"?room=tea", nil) //nolint:bodyclose // the library closes it
	require.Error(t, err)
	assert.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
}
