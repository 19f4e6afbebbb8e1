// Package status holds the status that workers publish, and reads it. It is the
// same for workers of a supervisor and of api cluster.
package status

// Worker is one worker's account of itself: the JSON of /status on its admin
// socket.
type Worker struct {
	// Worker is its number on this machine, from 0.
	Worker int `json:"worker"`
	PID    int `json:"pid"`
	// State is "starting", "ready" or "draining"; api cluster adds "backoff" for
	// one that is about to be started again.
	State    string `json:"state"`
	Ready    bool   `json:"ready"`
	Draining bool   `json:"draining"`
	// Release is the SHA-256 of the executable that runs.
	Release string `json:"release"`
	// UptimeSeconds is since the process started.
	UptimeSeconds float64 `json:"uptime_seconds"`
	// Restarts is how often api cluster had to start this worker again after it
	// ended by itself. A worker under another supervisor cannot know: null.
	Restarts *int `json:"restarts"`
	// Requests is how many have been answered.
	Requests uint64 `json:"requests"`
	// InFlight is how many are being answered.
	InFlight int64 `json:"in_flight"`
	// Connections and WebSockets are those open now; the latter are among the
	// former.
	Connections int `json:"connections"`
	WebSockets  int `json:"web_sockets"`
	// MemoryBytes is the resident memory.
	MemoryBytes uint64 `json:"memory_bytes"`
	// Trouble is the current failure of a dependency, such as Redis. Incident is
	// the last one that is mended, with its time. "" for none.
	Trouble  string `json:"trouble,omitempty"`
	Incident string `json:"incident,omitempty"`
}
