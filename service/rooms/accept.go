package rooms

import (
	"bufio"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"

	"github.com/coder/websocket"
)

// ServeHTTP upgrades GET /ws?room=name to a WebSocket in that room. The check
// of the Origin header keeps other sites' pages from speaking for a browser's
// user.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("room")
	if !ValidName(name) {
		http.Error(w, "room must be 1 to 64 letters, digits, '-', '_' or '.'", http.StatusBadRequest)
		return
	}
	if h.full() {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "this worker takes no more WebSockets; connect again", http.StatusServiceUnavailable)
		return
	}
	c := &client{hub: h, id: rand.Text(), room: name, turn: int(h.joined.Add(1) % pingSlices)}
	if h.o.Identify != nil {
		c.name = h.o.Identify(r)
	}
	taken := &taker{ResponseWriter: w}
	conn, err := websocket.Accept(taken, r, &websocket.AcceptOptions{
		OriginPatterns:  h.o.Origins,
		CompressionMode: websocket.CompressionDisabled, // it costs memory per client and messages are short
	})
	if err != nil { // Accept has answered
		h.o.Log.DebugContext(r.Context(), "WebSocket refused", slog.Any("error", err))
		return
	}
	c.conn, c.raw = conn, taken.conn
	// The handler returns now, so that the request, its buffers and a stack
	// that has grown can be freed: the client's own goroutine is smaller.
	go h.serve(c) //nolint:contextcheck // the request ends here, the WebSocket does not
}

func (h *Hub) serve(c *client) {
	members, ok := h.join(c)
	if !ok {
		c.close(websocket.StatusGoingAway, "this worker is ending; connect again")
		return
	}
	c.send(encode(Presence{Type: "welcome", Room: c.room, You: c.id, presence: presence{Members: members, Shared: h.shared()}}))
	c.read()
}

func (h *Hub) full() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closing || len(h.clients) >= h.o.MaxClients
}

// taker keeps hold of the connection that the WebSocket library takes over: a
// close that the peer does not answer can only be cut short there.
type taker struct {
	http.ResponseWriter
	conn net.Conn
}

// Hijack takes the connection over.
func (t *taker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(t.ResponseWriter).Hijack()
	t.conn = conn
	return conn, rw, err
}
