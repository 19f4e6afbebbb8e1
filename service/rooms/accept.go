package rooms

import (
	"bufio"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// ServeHTTP upgrades GET /ws?room=name to a WebSocket in that room. It checks
// the Origin header, so that other sites' pages cannot act for a browser's
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
	// A WebSocket that comes while the worker ends is opened, too, and serve closes
	// it with 1001. A browser's page cannot read a status of the handshake.
	c := &client{hub: h, id: rand.Text(), room: name, turn: int(h.joined.Add(1) % pingSlices)}
	if h.o.Identify != nil {
		c.name = h.o.Identify(r)
	}
	taken := &hijackRecorder{ResponseWriter: w}
	conn, err := websocket.Accept(taken, r, &websocket.AcceptOptions{
		OriginPatterns:  h.o.Origins,
		CompressionMode: websocket.CompressionDisabled, // compression costs memory per client, and messages are short
	})
	if err != nil { // Accept has already sent the answer
		h.refused(r, taken.status, err)
		return
	}
	c.conn, c.raw = conn, taken.conn
	// The handler returns now, so that the request, its buffers and its grown
	// stack can be freed. The client's own goroutine is smaller.
	go h.serve(c) //nolint:contextcheck // the request ends here, the WebSocket does not
}

// refusalPause is the shortest time between two log lines about refused pages,
// because strangers can cause any number of refusals.
const refusalPause = time.Minute

// refused logs a WebSocket that was not accepted. The reason is a page that the
// operator has not listed in WS_ORIGINS, or an attack. The operator should see
// both.
func (h *Hub) refused(r *http.Request, status int, err error) {
	if status != http.StatusForbidden {
		h.o.Log.DebugContext(r.Context(), "WebSocket refused", slog.Any("error", err))
		return
	}
	h.counts.refused.Inc()
	now := time.Now().UnixNano()
	if last := h.warned.Load(); now-last < int64(refusalPause) || !h.warned.CompareAndSwap(last, now) {
		return
	}
	h.o.Log.WarnContext(r.Context(), "WebSocket refused because of the page that opens it; WS_ORIGINS lists the hosts whose pages may",
		slog.String("origin", shorten(r.Header.Get("Origin"))), slog.String("host", shorten(r.Host)))
}

// shorten shortens a header's value for the log.
func shorten(s string) string { return s[:min(len(s), 200)] }

func (h *Hub) serve(c *client) {
	members, ok := h.join(c)
	if !ok {
		c.close(websocket.StatusGoingAway, "this worker is ending; connect again")
		return
	}
	h.sendAll(encode(Presence{Type: "welcome", Room: c.room, You: c.id, presence: presence{Members: members, Shared: h.shared()}}), []*client{c})
	c.read()
}

func (h *Hub) full() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.closing && len(h.clients) >= h.o.MaxClients
}

// hijackRecorder records the connection that the WebSocket library hijacks. A close that
// the peer does not answer can only be ended on the connection itself.
type hijackRecorder struct {
	http.ResponseWriter
	conn net.Conn
	// status is the status of the library's own answer.
	status int
}

// WriteHeader records the status.
func (t *hijackRecorder) WriteHeader(status int) {
	t.status = status
	t.ResponseWriter.WriteHeader(status)
}

// Hijack records the connection.
func (t *hijackRecorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(t.ResponseWriter).Hijack()
	t.conn = conn
	return conn, rw, err
}
