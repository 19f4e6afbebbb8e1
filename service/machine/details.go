package machine

// DetailsName is the name of the machine's Details among its objects.
const DetailsName = "details.json"

// Details are what a machine tells its operator, beside the public Status. Only
// the release store has them. A field that the machine could not find out is 0.
type Details struct {
	Machine string `json:"machine"`
	// Time is when the machine wrote this, in seconds since 1970 by its clock. It
	// writes again after Every seconds at most.
	Time  int64 `json:"time"`
	Every int64 `json:"every"`
	// Booted is the time of the operating system's start.
	Booted int64 `json:"booted,omitempty"`
	// Disk is the file system of the releases, Memory the machine's memory.
	Disk   Space `json:"disk"`
	Memory Space `json:"memory"`
	// Workers are in the order of their numbers.
	Workers []WorkerDetails `json:"workers"`
}

// Space is an amount in bytes.
type Space struct {
	Free  int64 `json:"free"`
	Total int64 `json:"total"`
}

// WorkerDetails is a worker's process.
type WorkerDetails struct {
	Worker int `json:"worker"`
	// Started is the time of the process' start, in seconds since 1970.
	Started int64 `json:"started,omitempty"`
	// Restarts counts the processes of this worker and release that ended without
	// having been replaced, since the agent's start.
	Restarts int `json:"restarts"`
	// Memory is the process' resident memory in bytes.
	Memory int64 `json:"memory,omitempty"`
}
