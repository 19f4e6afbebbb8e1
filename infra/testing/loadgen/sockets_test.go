package loadgen_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"escala/infra/testing/loadgen"
)

// gathering returns a load of two rooms of three clients, without any requests.
func gathering(h *hub) loadgen.Options {
	s := loadgen.NewSockets()
	s.ClientsPerRoom = 3
	s.SendEvery = 20 * time.Millisecond
	s.Settle = 200 * time.Millisecond
	s.Grace = 400 * time.Millisecond
	s.Stall = 2 * time.Second
	o := loadgen.NewOptions(h.url)
	o.Dial = h.dial
	o.Streams = nil
	o.Sockets = &s
	o.Duration = time.Second
	return o
}

// meet starts a load and waits until all clients are in their rooms.
func meet(t *testing.T, o loadgen.Options) *loadgen.Generator {
	t.Helper()
	g, err := loadgen.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	joined(t, g)
	return g
}

func joined(t *testing.T, g *loadgen.Generator) loadgen.Snapshot {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if s := g.Snapshot(); s.Sockets.Joined == 6 {
			return s
		}
	}
	t.Fatalf("the clients are not in their rooms: %+v", g.Snapshot().Sockets)
	return loadgen.Snapshot{}
}

func part(t *testing.T, g *loadgen.Generator) *loadgen.SocketResult {
	t.Helper()
	r, err := g.Wait()
	if err != nil {
		t.Fatal(err)
	}
	s := r.Sockets
	if s.Expected != s.Delivered+s.Lost+s.LostAtClose {
		t.Errorf("the books do not add up: %+v", s)
	}
	return s
}

func TestRoomsWithoutFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := hubInMemory(t)
		o := gathering(h)
		o.Sockets.Wrap = func(text string) string { return "<" + text + ">" }
		s := part(t, meet(t, o))
		if s.Sent < 200 || s.Sent > 300 || s.Delivered != s.Expected || s.Expected < 3*s.Sent-20 {
			t.Errorf("%+v, want about 290 messages, each received by three", s)
		}
		if s.Dials != 6 || len(s.Closes)+len(s.DialFailures) != 0 || s.Lost+s.Duplicates+s.OutOfOrder+s.Away+s.Reconnects != 0 {
			t.Errorf("%+v, want no trouble at all", s)
		}
		if s.Delivery.Count != s.Delivered || s.Releases["r1"].OK != 6 {
			t.Errorf("%+v, want a latency per receipt, and six handshakes of r1", s)
		}
		for end := time.Now().Add(time.Second); h.present() > 0; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d clients are still there", h.present())
			}
		}
	})
}

func TestClosesAreCountedByCode(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		end     func(*websocket.Conn, guest)
		code    int
		unclean uint64
	}{
		"going away": {
			func(c *websocket.Conn, _ guest) { _ = c.Close(websocket.StatusGoingAway, "release") }, 1001, 0,
		},
		"restart code": {
			func(c *websocket.Conn, _ guest) { _ = c.Close(websocket.StatusServiceRestart, "") }, 1012, 6,
		},
		"cut": {
			func(_ *websocket.Conn, g guest) { _ = g.raw.Close() }, 1006, 6,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := hubInMemory(t)
				g := meet(t, gathering(h))
				before := g.Snapshot()
				h.setRefuse(true)
				h.closeAll(test.end)
				time.Sleep(250 * time.Millisecond)
				h.setRefuse(false)
				since := joined(t, g).Since(before).Sockets
				if since.Reconnects != 6 || since.LongestReconnect < 250 || since.LongestReconnect > 2000 {
					t.Errorf("since the close: %+v, want six back after a little more than 250 ms", since)
				}
				if refused := since.DialFailures["status 503"]; refused < 6 {
					t.Errorf("failed handshakes %v, want at least six 503", since.DialFailures)
				}

				r, err := g.Wait()
				if err != nil {
					t.Fatal(err)
				}
				closes := map[int]uint64{}
				for _, row := range r.Series {
					for code, n := range row.Closes {
						closes[code] += n
					}
				}
				s := part(t, g)
				if !maps.Equal(closes, s.Closes) {
					t.Errorf("the time series has the closes %v, want %v", closes, s.Closes)
				}
				if want := map[int]uint64{test.code: 6}; !maps.Equal(s.Closes, want) || s.Unclean != test.unclean {
					t.Errorf("closes %v, %d unclean, want %v, %d", s.Closes, s.Unclean, want, test.unclean)
				}
				if s.Lost != 0 || s.Away != 0 || s.Stalled != 0 {
					t.Errorf("%+v, want no loss but that at the close", s)
				}
			})
		})
	}
}

func TestLostAndDoubledMessagesAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lost, doubled := uint64(0), uint64(0) // guarded by the hub
		h := hubInMemory(t)
		h.copies = func(client int, message string) int {
			switch {
			case client == 2 && strings.Contains(message, "0;"): // every tenth
				lost++
				return 0
			case client == 3 && strings.Contains(message, "5;"):
				doubled++
				return 2
			}
			return 1
		}
		s := part(t, meet(t, gathering(h)))
		h.mu.Lock()
		defer h.mu.Unlock()
		if s.Lost != lost || lost < 5 || s.LostAtClose != 0 {
			t.Errorf("%d lost, want %d: %+v", s.Lost, lost, s)
		}
		if s.Duplicates != doubled || doubled < 5 {
			t.Errorf("%d twice, want %d", s.Duplicates, doubled)
		}
		result := loadgen.Result{Sockets: s}
		if err := result.Clean(); err == nil || !strings.Contains(err.Error(), "lost") {
			t.Errorf("clean: %v, want the loss", err)
		}
	})
}

func TestSilentConnectionsAreGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := hubInMemory(t)
		o := gathering(h)
		o.Sockets.Stall = 500 * time.Millisecond
		o.Duration = 2 * time.Second
		g := meet(t, o)
		// The hub drops its clients without closing, so that they receive
		// nothing more.
		h.closeAll(func(*websocket.Conn, guest) {})
		time.Sleep(600 * time.Millisecond)
		joined(t, g)
		s := part(t, g)
		if s.Stalled != 6 || s.Closes[1006] != 6 || s.Unclean != 6 || s.Reconnects != 6 {
			t.Errorf("%+v, want six stalled, closed with 1006 and back", s)
		}
		if s.Lost == 0 {
			t.Error("messages went nowhere for half a second, and none is lost")
		}
	})
}

func TestClientsThatNeverGetInAreAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := hubInMemory(t)
		h.setRefuse(true)
		o := gathering(h)
		o.Duration = 300 * time.Millisecond
		r, err := loadgen.Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		s := r.Sockets
		if s.Away != 6 || s.Sent != 0 || s.DialFailures["status 503"] != s.Dials || s.Dials < 6 {
			t.Errorf("%+v, want six away and every handshake failed", s)
		}
		if r.Clean() == nil {
			t.Error("is called clean")
		}
	})
}

func TestStoppingClosesRoomsPolitely(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := hubInMemory(t)
		o := gathering(h)
		o.Duration = 0
		ctx, stop := context.WithCancel(t.Context())
		g, err := loadgen.Start(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		joined(t, g)
		time.Sleep(100 * time.Millisecond)
		stop()
		s := part(t, g)
		if s.Sent == 0 || s.Delivered != s.Expected || len(s.Closes) != 0 {
			t.Errorf("%+v, want every message delivered and no close of the service's", s)
		}
	})
}
