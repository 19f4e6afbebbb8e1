package loadgen_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// hub is a room server that forwards each client's messages to all clients in
// the room, with the errors that a test wants.
type hub struct {
	url string
	// dial opens a connection.
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	// copies returns how often a message is sent to a client. Clients count
	// from 0 in the order of arrival. nil means once.
	copies func(client int, message string) int
	// refuse makes handshakes fail with 503.
	refuse bool

	mu      sync.Mutex
	clients map[*websocket.Conn]guest
	seen    int
}

type guest struct {
	room   string
	number int
	raw    net.Conn
}

type rawKey struct{}

// hubInMemory serves in a bubble of testing/synctest until the test ends.
func hubInMemory(t *testing.T) *hub {
	t.Helper()
	listener := listenInMemory()
	h := &hub{clients: map[*websocket.Conn]guest{}, url: "http://127.0.0.1:1"}
	h.dial = listener.dial
	server := http.Server{Handler: h, ConnContext: func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, rawKey{}, c)
	}}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return h
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	refuse := h.refuse
	h.mu.Unlock()
	if refuse {
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("X-Release", "r1")
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	raw, _ := r.Context().Value(rawKey{}).(net.Conn)
	h.mu.Lock()
	h.clients[conn] = guest{room: r.URL.Query().Get("room"), number: h.seen, raw: raw}
	h.seen++
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.clients, conn)
		h.mu.Unlock()
		_ = conn.CloseNow()
	}()
	for {
		_, message, err := conn.Read(context.WithoutCancel(r.Context()))
		if err != nil {
			return
		}
		h.forward(conn, string(message))
	}
}

func (h *hub) forward(from *websocket.Conn, message string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	sender, there := h.clients[from]
	if !there {
		return
	}
	for to, g := range h.clients {
		if g.room != sender.room {
			continue
		}
		times := 1
		if h.copies != nil && !strings.Contains(message, ":p:") {
			times = h.copies(g.number, message)
		}
		for range times {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			_ = to.Write(ctx, websocket.MessageText, []byte(`{"text":"`+message+`"}`)) // the client may have left
			cancel()
		}
	}
}

// closeAll ends all connections by calling end.
func (h *hub) closeAll(end func(*websocket.Conn, guest)) {
	h.mu.Lock()
	clients := h.clients
	h.clients = map[*websocket.Conn]guest{}
	h.mu.Unlock()
	var ends sync.WaitGroup
	for conn, g := range clients {
		ends.Go(func() { end(conn, g) })
	}
	ends.Wait()
}

func (h *hub) setRefuse(refuse bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refuse = refuse
}

func (h *hub) present() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.clients)
}
