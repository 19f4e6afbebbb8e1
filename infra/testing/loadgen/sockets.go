package loadgen

import (
	"net/http"
	"strings"
	"time"

	"escala/service"
)

// Sockets describe WebSocket clients in rooms. Each client sends numbered text
// messages; what one sends, all in its room are to receive, itself included.
// Make them with NewSockets.
type Sockets struct {
	// Path of the endpoint; the room is put into its query as "room".
	// Default "/ws".
	Path string
	// Header is sent with each handshake, for example a session. Default none.
	Header http.Header
	// RoomPrefix begins the rooms' names: load-0, load-1. Default "load".
	RoomPrefix string
	// Rooms is the number of rooms. Default 2.
	Rooms int
	// ClientsPerRoom is the number of clients in each. Default 4.
	ClientsPerRoom int
	// SendEvery is the time between two messages of a client. Default 200 ms.
	SendEvery time.Duration
	// Wrap turns a text into the message that the service wants to be sent.
	// What the service sends on may be anything that contains the text, which
	// is made of letters, digits, colons and a final semicolon. Default nil:
	// the text is the message.
	Wrap func(text string) string
	// Handshake is how long a handshake may take. Default 5 s.
	Handshake time.Duration
	// Settle is how soon before the end of a connection a message may have
	// been sent so that its loss is put down to that end. Default 1 s.
	Settle time.Duration
	// Grace is how long a message may take before it is lost. Default 3 s.
	Grace time.Duration
	// Stall is how long a client that hears nothing at all, not even its own
	// messages, believes in its connection. Default 10 s.
	Stall time.Duration
}

// NewSockets returns the defaults.
func NewSockets() Sockets {
	return Sockets{
		Path:           "/ws",
		RoomPrefix:     "load",
		Rooms:          2,
		ClientsPerRoom: 4,
		SendEvery:      200 * time.Millisecond,
		Handshake:      5 * time.Second,
		Settle:         time.Second,
		Grace:          3 * time.Second,
		Stall:          10 * time.Second,
	}
}

// mostSockets bounds the clients of one load.
const mostSockets = 10000

func (s Sockets) violations() service.Violations {
	var v service.Violations
	if !strings.HasPrefix(s.Path, "/") {
		v.Add("path", "%q, want one that begins with /", s.Path)
	}
	if s.Rooms < 1 || s.ClientsPerRoom < 1 || s.Rooms > mostSockets || s.Rooms*s.ClientsPerRoom > mostSockets {
		v.Add("rooms", "%d rooms of %d clients, want 1 to %d clients in all", s.Rooms, s.ClientsPerRoom, mostSockets)
	}
	for _, positive := range []struct {
		path string
		time time.Duration
	}{
		{"sendEvery", s.SendEvery}, {"handshake", s.Handshake}, {"settle", s.Settle}, {"grace", s.Grace}, {"stall", s.Stall},
	} {
		if positive.time <= 0 {
			v.Add(positive.path, "%s, want more than 0", positive.time)
		}
	}
	if s.Settle >= s.Grace {
		v.Add("settle", "%s, want less than grace (%s)", s.Settle, s.Grace)
	}
	if s.Stall <= s.Grace+s.SendEvery {
		v.Add("stall", "%s, want more than grace and sendEvery together (%s): nothing is sent for so long at the end", s.Stall, s.Grace+s.SendEvery)
	}
	return v
}
