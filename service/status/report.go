package status

// Report is what the primary of api cluster says on its status socket.
type Report struct {
	PID     int      `json:"pid"`
	Workers []Worker `json:"workers"`
	// Roll is the last roll; null before the first.
	Roll *Roll `json:"roll"`
	// Incident is the last problem that was mended, with its time; "" if there
	// was none since the primary started.
	Incident string `json:"incident,omitempty"`
}

// Roll is one replacement of all workers.
type Roll struct {
	// State is "rolling", "done" or "aborted".
	State string `json:"state"`
	// Release is the one that was rolled to.
	Release string `json:"release,omitempty"`
	// Error says why it was aborted.
	Error string `json:"error,omitempty"`
}
