package local

import "time"

const (
	// localPoll is how often the machine looks for another release.
	localPoll = 2 * time.Second
	// machineOpenFiles is the machine's limit on open files per process: above
	// what Nginx and supervisord are configured to ask for.
	machineOpenFiles = 16384
)
