package local

import "time"

const (
	// localPoll is the interval at which the machine looks for another release.
	localPoll = 2 * time.Second
	// machineOpenFiles is the machine's limit on open files per process. It is
	// higher than what a worker with the default settings needs.
	machineOpenFiles = 16384
)
