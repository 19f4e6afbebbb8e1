package status

// Cluster is what the primary of api cluster says on its status socket.
type Cluster struct {
	PID     int      `json:"pid"`
	Workers []Worker `json:"workers"`
	// Roll is how the last roll went; null before the first.
	Roll *Roll `json:"roll"`
}

// Roll is one replacement of all workers.
type Roll struct {
	// State is "rolling", "done" or "aborted".
	State string `json:"state"`
	// Error says why it was aborted.
	Error string `json:"error,omitempty"`
}
