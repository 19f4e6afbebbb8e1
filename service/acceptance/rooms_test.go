package acceptance

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service/rooms"
)

// member is a client in a room.
type member struct {
	t    *testing.T
	conn *websocket.Conn
	// events receives the server's messages. It is closed when the connection
	// ends, with the reason in err.
	events chan event
	err    error
}

// event is a message or a presence.
type event struct {
	rooms.Message
	Members int  `json:"members"`
	Shared  bool `json:"shared"`
}

func join(t *testing.T, base, room string) *member {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, res, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(base, "http")+"/ws?room="+room, nil) //nolint:bodyclose // the library closes it
	require.NoError(t, err)
	assert.Equal(t, releaseID, res.Header.Get("X-Release"))
	m := &member{t: t, conn: conn, events: make(chan event, 1000)}
	go func() {
		defer close(m.events)
		for {
			var e event
			_, b, err := conn.Read(context.Background())
			if err == nil {
				err = json.Unmarshal(b, &e)
			}
			if err != nil {
				m.err = err
				return
			}
			m.events <- e
		}
	}()
	t.Cleanup(func() { _ = conn.CloseNow() })
	return m
}

// await waits for a matching event.
func (m *member) await(what string, wanted func(event) bool) event {
	m.t.Helper()
	deadline := time.After(maxWait)
	for {
		select {
		case e, ok := <-m.events:
			if !ok {
				require.FailNow(m.t, "the connection ended", "waiting for %s: %v", what, m.err)
			}
			if wanted(e) {
				return e
			}
		case <-deadline:
			require.FailNow(m.t, "nothing came", "waiting for %s", what)
		}
	}
}

func (m *member) awaitText(text string) event {
	m.t.Helper()
	return m.await(text, func(e event) bool { return e.Type == "message" && e.Text == text })
}

func (m *member) awaitPresence(members int, shared bool) {
	m.t.Helper()
	m.await(fmt.Sprintf("%d members, shared %v", members, shared), func(e event) bool {
		return e.Type != "message" && e.Members == members && e.Shared == shared
	})
}

func (m *member) say(text string) {
	m.t.Helper()
	require.NoError(m.t, m.conn.Write(m.t.Context(), websocket.MessageText, []byte(text)))
}

func TestRoomsReachEveryWorker(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	redis := startRedis(t, port)
	env := []string{"ROOMS=true", "WORKERS=2", fmt.Sprintf("REDIS_URL=redis://127.0.0.1:%d/0", port), "DRAIN_LINGER=1s", "DRAIN_CLOSE_JITTER=1s"}
	a, addressA := onPort(t, append(env, "WORKER=0")...)
	_, addressB := onPort(t, append(env, "WORKER=1")...)
	a.awaitOutput("rooms are shared")

	// Clients of a room may use different workers, as these two do.
	anna := join(t, "http://"+addressA, "tea")
	ben := join(t, "http://"+addressB, "tea")
	other := join(t, "http://"+addressB, "coffee")
	anna.awaitPresence(2, true)
	ben.awaitPresence(2, true)
	anna.say("hello")
	ben.awaitText("hello")
	anna.awaitText("hello")
	ben.say("hi")
	anna.awaitText("hi")

	// Redis stops. Clients are notified, local delivery continues, and HTTP is
	// not affected.
	require.NoError(t, redis.cmd.Process.Kill())
	<-redis.exited
	anna.awaitPresence(1, false)
	ben.awaitPresence(1, false)
	second := join(t, "http://"+addressA, "tea")
	anna.awaitPresence(2, false)
	anna.say("still here")
	second.awaitText("still here")
	// A request that waits for Redis takes at least a second, so the quickest of
	// several requests shows whether requests wait.
	quickest := maxWait
	for range 10 {
		begin := time.Now()
		for _, path := range []string{"/", "/ready"} {
			res, _ := get(t, "http://"+addressA+path)
			assert.Equal(t, http.StatusOK, res.StatusCode, "a worker without Redis still serves")
		}
		quickest = min(quickest, time.Since(begin))
	}
	assert.Less(t, quickest, time.Second)
	res, body := get(t, "http://"+addressA+"/counter")
	assert.Equal(t, http.StatusServiceUnavailable, res.StatusCode, body)

	// Redis returns, and the room is shared again automatically.
	startRedis(t, port)
	ben.awaitPresence(3, true)
	anna.say("back")
	ben.awaitText("back")

	// One worker drains. It closes its clients, and the other clients see them
	// leave.
	a.signal(syscall.SIGTERM)
	for range anna.events {
	}
	assert.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(anna.err))
	assert.Equal(t, 0, a.wait())
	ben.awaitPresence(1, true)
	select {
	case e := <-other.events:
		assert.NotEqual(t, "message", e.Type, "the other room hears nothing")
	default:
	}
}

func TestWorkerStartsWithoutRedis(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	p, address := onPort(t, "ROOMS=true", "WORKERS=2", fmt.Sprintf("REDIS_URL=redis://127.0.0.1:%d", port))
	m := join(t, "http://"+address, "tea")
	m.awaitPresence(1, false)
	m.say("alone")
	m.awaitText("alone")
	startRedis(t, port)
	m.awaitPresence(1, true)
	res, body := post(t, "http://"+address+"/counter", "")
	assert.Equal(t, http.StatusOK, res.StatusCode, body)
	assert.JSONEq(t, `{"count":1}`, body)
	p.signal(syscall.SIGTERM)
	assert.Equal(t, 0, p.wait())
}

// TestStatusTellsOfRedis checks that the status still reports an outage of Redis
// that has ended.
func TestStatusTellsOfRedis(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	redis := startRedis(t, port)
	dir := socketDir(t)
	p := worker(t, nil, "PORT=0", "HOST=127.0.0.1", "ROOMS=true", "RUN_DIR="+dir, fmt.Sprintf("REDIS_URL=redis://127.0.0.1:%d", port))
	assert.Empty(t, p.status().Trouble)
	assert.Empty(t, p.status().Incident)
	redis.signal(syscall.SIGKILL)
	await(t, func() bool { return strings.Contains(p.status().Trouble, "Redis has been away since 20") })
	startRedis(t, port)
	await(t, func() bool { return p.status().Trouble == "" })
	assert.Regexp(t, `^20\S+Z Redis was away for \S+s$`, p.status().Incident)
}

// TestDrainClosesWebSocketsOverTheJitter checks that a drain spreads the closing
// of WebSockets. The tests of package rooms check the spread exactly, because
// their clock stops while code runs.
func TestDrainClosesWebSocketsOverTheJitter(t *testing.T) {
	t.Parallel()
	const clients = 40
	p, address := onPort(t, "ROOMS=true", "DRAIN_CLOSE_JITTER=2s", "DRAIN_TIMEOUT="+far.String())
	var members []*member
	for range clients {
		members = append(members, join(t, "http://"+address, "tea"))
	}
	// A client that never answers a close must not delay the drain.
	dial(t, address, "GET /ws?room=tea HTTP/1.1\r\nHost: "+address+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	await(t, func() bool { return p.status().WebSockets == clients+1 })
	begin := time.Now()
	p.signal(syscall.SIGTERM)
	assert.Equal(t, 0, p.wait())
	assert.GreaterOrEqual(t, time.Since(begin), 1800*time.Millisecond, "39 of 41 steps of the jitter")
	for _, m := range members {
		for range m.events {
		}
		assert.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(m.err), "%v", m.err)
	}
}

func TestRoomsThroughNginx(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	startRedis(t, port)
	address, socket := sharedSocket(t)
	env := []string{"LISTEN=fd:0", "ROOMS=true", "WORKERS=2", fmt.Sprintf("REDIS_URL=redis://127.0.0.1:%d", port)}
	for n := range 2 {
		worker(t, socket, append(env, fmt.Sprintf("WORKER=%d", n))...).awaitOutput("rooms are shared")
	}
	url := startNginx(t, address)
	// There are enough clients for both workers to have some, whichever accepts
	// them.
	var members []*member
	for range 12 {
		members = append(members, join(t, url, "tea"))
	}
	for _, m := range members {
		m.awaitPresence(len(members), true)
	}
	members[0].say("to all")
	for _, m := range members {
		m.awaitText("to all")
	}
}

func post(t *testing.T, url, body string) (reply, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	got, answer, err := replied(res)
	require.NoError(t, err)
	return got, answer
}
