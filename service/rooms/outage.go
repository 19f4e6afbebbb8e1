package rooms

import (
	"fmt"
	"sync"
	"time"
)

// outage remembers the last time without Redis, for the worker's status: most
// are over before anybody looks.
type outage struct {
	mu           sync.Mutex
	began, ended time.Time
}

func (o *outage) set(down bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case down:
		o.began, o.ended = time.Now(), time.Time{}
	case !o.began.IsZero():
		o.ended = time.Now()
	}
}

// Outage says what keeps rooms from being shared with other workers, and what
// last did and is over. Both are "" if nothing does or has.
func (h *Hub) Outage() (now, before string) {
	if h.bus == nil {
		return "", ""
	}
	o := &h.bus.outage
	o.mu.Lock()
	defer o.mu.Unlock()
	const at = "2006-01-02T15:04:05.000Z"
	switch {
	case o.began.IsZero():
		return "", ""
	case o.ended.IsZero():
		return "Redis has been away since " + o.began.UTC().Format(at), ""
	}
	return "", fmt.Sprintf("%s Redis was away for %s", o.began.UTC().Format(at), o.ended.Sub(o.began).Round(time.Millisecond))
}
