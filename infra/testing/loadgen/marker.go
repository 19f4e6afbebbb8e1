package loadgen

import (
	"bytes"
	"fmt"
	"strconv"
)

// text is what a client sends: enough to recognise it in whatever the service
// makes of it, and to tell who sent it and when.
type text struct {
	probe  bool // asks "am I in the room?" and is expected by its sender only
	client int
	number uint64
}

// marker begins every text of one run, so that another run in the same room does
// not disturb.
func marker(run string) string { return "escala:" + run + ":" }

func (t text) encode(run string) string {
	kind := 'm'
	if t.probe {
		kind = 'p'
	}
	return fmt.Sprintf("%s%c:%d:%d;", marker(run), kind, t.client, t.number)
}

// decode finds a run's text in a message of any form.
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
