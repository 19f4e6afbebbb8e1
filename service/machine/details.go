package machine

// DetailsName is the name of the machine's Details among its objects.
const DetailsName = "details.json"

// Details are facts for the machine's operator. Unlike Status, they are not
// public: the machine writes them to the release store only. A value that the
// machine cannot determine is 0.
type Details struct {
	Machine string `json:"machine"`
	// Time is the time of the writing, in seconds since 1970 by the machine's
	// clock. The machine writes again after at most Every seconds.
	Time  int64 `json:"time"`
	Every int64 `json:"every"`
	// Booted is the time of the operating system's start.
	Booted int64 `json:"booted,omitempty"`
	// Disk is the space on the file system of the releases. Memory is the
	// machine's memory.
	Disk   Space `json:"disk"`
	Memory Space `json:"memory"`
	// Workers are in the order of their numbers.
	Workers []WorkerDetails `json:"workers"`
	// SSHHostKeys are the public keys by which the machine's SSH server can be
	// recognized, each as "type base64". Empty without such a server.
	SSHHostKeys []string `json:"sshHostKeys,omitempty"`
}

// Space is an amount in bytes.
type Space struct {
	Free  int64 `json:"free"`
	Total int64 `json:"total"`
}

// WorkerDetails describes a worker's process.
type WorkerDetails struct {
	Worker int `json:"worker"`
	// Started is the start of the process, in seconds since 1970.
	Started int64 `json:"started,omitempty"`
	// Restarts is the number of processes of this worker and release that ended
	// and were not being replaced, since the agent's start.
	Restarts int `json:"restarts"`
	// Memory is the resident memory of the process in bytes.
	Memory int64 `json:"memory,omitempty"`
}
