package rooms

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Clients get these types, one JSON object per text message. They send plain
// text.

// Message is a member's message. Type is "message".
type Message struct {
	Type string `json:"type"`
	Room string `json:"room"`
	// From is the sender's connection. Name is the person, if known.
	From string    `json:"from"`
	Name string    `json:"name,omitempty"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// Presence is the number of members of the room. A client gets it whenever the
// number or Shared has changed. Type is "presence", or "welcome" the first
// time.
type Presence struct {
	Type string `json:"type"`
	Room string `json:"room"`
	// You is the client's own From (only in a welcome).
	You string `json:"you,omitempty"`
	presence
}

type presence struct {
	Members int `json:"members"`
	// Shared reports whether messages reach the clients of other workers; false
	// while Redis is down or not configured.
	Shared bool `json:"shared"`
}

// envelope is a message between workers.
type envelope struct {
	// Origin is the sending worker. A worker ignores its own messages.
	Origin string `json:"origin"`
	Kind   kind   `json:"kind"`
	// Payload is a whole Message (kindMessage).
	Payload json.RawMessage `json:"payload,omitempty"`
	// Members is the number of members on the origin (kindPresence).
	Members int `json:"members,omitempty"`
	// Ask requests the other workers' numbers in return (kindPresence).
	Ask bool `json:"ask,omitempty"`
}

type kind string

const (
	kindMessage  kind = "message"
	kindPresence kind = "presence"
)

// maxMembers limits the number that another worker can report.
const maxMembers = 10_000_000

// parseEnvelope parses a message from Redis. It checks the content, because
// other programs can write to Redis as well.
func parseEnvelope(s string) (envelope, error) {
	var e envelope
	if err := json.Unmarshal([]byte(s), &e); err != nil {
		return envelope{}, fmt.Errorf("reading a message from Redis: %w", err)
	}
	switch {
	case e.Origin == "" || len(e.Origin) > maxName:
		return envelope{}, errors.New("reading a message from Redis: it has no origin")
	case e.Kind == kindMessage:
		var m Message
		if err := json.Unmarshal(e.Payload, &m); err != nil || m.Type != "message" {
			return envelope{}, errors.New("reading a message from Redis: its payload is not a message")
		}
	case e.Kind == kindPresence:
		if e.Members < 0 || e.Members > maxMembers {
			return envelope{}, errors.New("reading a message from Redis: it has no sensible number of members")
		}
	default:
		return envelope{}, fmt.Errorf("reading a message from Redis: unknown kind %.20q", e.Kind)
	}
	return e, nil
}

// encode cannot fail, because JSON can represent all values of the types.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("rooms: encoding %T: %v", v, err))
	}
	return b
}
