package rooms

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// clientFrame returns a WebSocket frame as a client sends it.
func clientFrame(first byte, payload string) string {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	default:
		b = append(b, 0x80|126)
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	}
	b = append(b, 0, 0, 0, 0) // a mask that changes nothing
	return string(b) + payload
}

// FuzzFrames sends arbitrary bytes on a WebSocket, as frames and as messages in
// a room. The worker must never panic, send another client anything but one
// valid message of at most the greatest length, or leak bytes of its budgets.
func FuzzFrames(f *testing.F) {
	for _, seed := range []string{
		clientFrame(0x81, "hello"), clientFrame(0x81, "\xff\x00\u2028</script>"), clientFrame(0x82, "binary"),
		clientFrame(0x01, "half") + clientFrame(0x80, "the rest"), clientFrame(0x01, "never finished"),
		clientFrame(0x89, "ping") + clientFrame(0x8a, "pong"), clientFrame(0x88, "\x03\xe8bye"), clientFrame(0x88, "\x00"),
		clientFrame(0xf1, "reserved bits"), "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x81\x05hello",
		clientFrame(0x81, strings.Repeat("x", 1000)), clientFrame(0x81, strings.Repeat("\x01", 999)),
		clientFrame(0x81, `{"type":"welcome","room":"tea"}`),
	} {
		f.Add([]byte(seed))
	}
	o := options()
	o.MaxMessageBytes, o.Rate, o.Burst = 1000, 1e6, 1e6
	h := New(o)
	l := newListener()
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(l) }()
	go func() { _ = h.Run(context.Background()) }()
	heard := make(chan []byte, 1000)
	client := &http.Client{Transport: &http.Transport{DialContext: l.dial}}
	listener, _, err := websocket.Dial(context.Background(), "ws://hub/?room=tea", &websocket.DialOptions{HTTPClient: client}) //nolint:bodyclose // the library closes it
	if err != nil {
		f.Fatal(err)
	}
	listener.SetReadLimit(1 << 20)
	go func() {
		for {
			_, b, err := listener.Read(context.Background())
			if err != nil {
				close(heard)
				return
			}
			heard <- b
		}
	}()
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := l.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(c, "GET /?room=tea HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(c)
		if _, err := http.ReadResponse(r, nil); err != nil { //nolint:bodyclose // it has none
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, r) }()
		_, _ = c.Write(in)
		time.Sleep(time.Millisecond)
		_ = c.Close()
		for end := time.Now().Add(20 * time.Second); h.Open() > 1; time.Sleep(100 * time.Microsecond) {
			if time.Now().After(end) {
				t.Fatalf("%q: the client is not given up", in)
			}
		}
		for {
			select {
			case b, ok := <-heard:
				if !ok {
					t.Fatalf("%q: another client was sent away", in)
				}
				var m Message
				if !utf8.Valid(b) || json.Unmarshal(b, &m) != nil || m.Room != "tea" || (m.Type != "message" && m.Type != "presence" && m.Type != "welcome") {
					t.Fatalf("%q: another client heard %q", in, b)
				}
				// A byte that is not UTF-8 becomes three bytes.
				if m.Type == "message" && (len(m.Text) > 3*int(o.MaxMessageBytes) || m.From == "") {
					t.Fatalf("%q: another client heard %q", in, b)
				}
				continue
			default:
			}
			break
		}
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Microsecond) {
			if h.reading.TryAcquire(h.readable) {
				h.reading.Release(h.readable)
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%q: it still holds room to read", in)
			}
		}
		if n := h.waiting.held.Load(); n < 0 || n > int64(o.QueuesBytes) {
			t.Fatalf("%q: %d bytes wait", in, n)
		}
	})
}
