package status

// Report is the status that the primary of api cluster publishes on its socket.
type Report struct {
	PID     int      `json:"pid"`
	Workers []Worker `json:"workers"`
	// Roll is the last roll; null before the first.
	Roll *Roll `json:"roll"`
	// Incident is the last resolved problem, with its time; "" if there was
	// none since the primary started.
	Incident string `json:"incident,omitempty"`
}

// Roll is one replacement of all workers.
type Roll struct {
	// State is "rolling", "done" or "aborted".
	State string `json:"state"`
	// Release is the target release of the roll.
	Release string `json:"release,omitempty"`
	// Error is the reason why the roll was aborted.
	Error string `json:"error,omitempty"`
}
