package loadgen

import (
	"bytes"
	"fmt"
	"strconv"
)

// text is the message of a client. It can be recognised in any form that the
// service gives to it, and contains the sender and the sending time.
type text struct {
	probe  bool // asks "am I in the room?" and is expected by its sender only
	client int
	number uint64
}

// marker returns the prefix of all texts of one run. It keeps runs in the same
// room apart.
func marker(run string) string { return "escala:" + run + ":" }

func (t text) encode(run string) string {
	kind := 'm'
	if t.probe {
		kind = 'p'
	}
	return fmt.Sprintf("%s%c:%d:%d;", marker(run), kind, t.client, t.number)
}

// decode finds a run's text anywhere in a message.
func decode(run string, message []byte) (text, bool) {
	_, rest, found := bytes.Cut(message, []byte(marker(run)))
	if !found {
		return text{}, false
	}
	body, _, found := bytes.Cut(rest, []byte{';'})
	fields := bytes.Split(body, []byte{':'})
	if !found || len(fields) != 3 {
		return text{}, false
	}
	client, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		return text{}, false
	}
	number, err := strconv.ParseUint(string(fields[2]), 10, 64)
	if err != nil {
		return text{}, false
	}
	return text{probe: string(fields[0]) == "p", client: client, number: number}, true
}
