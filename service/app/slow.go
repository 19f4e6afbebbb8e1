package app

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// slowest is the longest answer time of /slow, which is for testing drains and
// timeouts.
const slowest = time.Minute

// slow answers after ?ms= milliseconds, or not at all if the client
// disconnects.
func slow(w http.ResponseWriter, r *http.Request) {
	ms, err := strconv.Atoi(r.URL.Query().Get("ms"))
	if err != nil || ms < 0 || ms > int(slowest.Milliseconds()) {
		http.Error(w, fmt.Sprintf("ms must be a number of milliseconds from 0 to %d", slowest.Milliseconds()), http.StatusBadRequest)
		return
	}
	d := time.Duration(ms) * time.Millisecond
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
		_, _ = fmt.Fprintf(w, "waited %s\n", d)
	case <-r.Context().Done():
	}
}
