// Package status defines and reads the status that workers publish. It is the
// same under a supervisor and under api cluster.
package status

// Worker is the status of one worker: the JSON of /status on its admin socket.
type Worker struct {
	// Worker is the worker's number on its machine, from 0.
	Worker int `json:"worker"`
	PID    int `json:"pid"`
	// State is "starting", "ready" or "draining". api cluster adds "backoff"
	// for a worker that waits for its restart.
	State    string `json:"state"`
	Ready    bool   `json:"ready"`
	Draining bool   `json:"draining"`
	// Release is the SHA-256 of the running executable.
	Release string `json:"release"`
	// UptimeSeconds is the time since the process started.
	UptimeSeconds float64 `json:"uptime_seconds"`
	// Restarts is the number of times that api cluster restarted this worker
	// after it ended by itself. It is null under another supervisor, because a
	// worker cannot determine it.
	Restarts *int `json:"restarts"`
	// Requests is the number of answered requests.
	Requests uint64 `json:"requests"`
	// InFlight is the number of requests that are being answered.
	InFlight int64 `json:"in_flight"`
	// Connections is the number of open connections, including the WebSockets.
	// WebSockets is the number of open WebSockets.
	Connections int `json:"connections"`
	WebSockets  int `json:"web_sockets"`
	// MemoryBytes is the resident memory in bytes.
	MemoryBytes uint64 `json:"memory_bytes"`
	// Trouble is the current failure of a dependency, such as Redis. Incident
	// is the last resolved failure, with its time. Each is "" if there is none.
	Trouble  string `json:"trouble,omitempty"`
	Incident string `json:"incident,omitempty"`
}
