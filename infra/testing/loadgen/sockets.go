package loadgen

import (
	"net/http"
	"strings"
	"time"

	"escala/service"
)

// Sockets configures WebSocket clients in rooms. Each client sends numbered
// text messages, and all clients in its room, including itself, must receive
// them. Make them with NewSockets.
type Sockets struct {
	// Path is the path of the endpoint. The room is added as the query
	// parameter "room". Default "/ws".
	Path string
	// Header is sent with each handshake, for example a session. Default none.
	Header http.Header
	// RoomPrefix is the prefix of the rooms' names: load-0, load-1. Default
	// "load".
	RoomPrefix string
	// Rooms is the number of rooms. Default 2.
	Rooms int
	// ClientsPerRoom is the number of clients in each. Default 4.
	ClientsPerRoom int
	// SendEvery is the time between two messages of a client. Default 200 ms.
	SendEvery time.Duration
	// Wrap turns a text into the message format that the service expects. The
	// service may forward anything that contains the text, which consists of
	// letters, digits, colons and a final semicolon. Default nil: the text is
	// the message.
	Wrap func(text string) string
	// Handshake is the timeout of a handshake. Default 5 s.
	Handshake time.Duration
	// Settle is the time before the end of a connection in which a lost message
	// counts as lost because of that end. Default 1 s.
	Settle time.Duration
	// Grace is the time after which an undelivered message counts as lost.
	// Default 3 s.
	Grace time.Duration
	// Stall is the time without any received message, including the client's
	// own, after which the client gives up its connection. Default 10 s.
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

// maxSockets limits the number of clients in one load.
const maxSockets = 10000

func (s Sockets) violations() service.Violations {
	var v service.Violations
	if !strings.HasPrefix(s.Path, "/") {
		v.Add("path", "%q, want one that begins with /", s.Path)
	}
	if s.Rooms < 1 || s.ClientsPerRoom < 1 || s.Rooms > maxSockets || s.Rooms*s.ClientsPerRoom > maxSockets {
		v.Add("rooms", "%d rooms of %d clients, want 1 to %d clients in all", s.Rooms, s.ClientsPerRoom, maxSockets)
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
