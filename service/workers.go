package service

import "time"

// WorkersMode is the way in which the workers of one machine share its traffic.
type WorkersMode string

const (
	// WorkersShared is one listening socket, which the supervisor owns and from
	// which every worker accepts (PM2 calls this cluster mode).
	WorkersShared WorkersMode = "shared"
	// WorkersPorts is a port for each worker, behind an Nginx upstream
	// (PM2 calls this fork mode).
	WorkersPorts WorkersMode = "ports"
)

// MinWorkers is the smallest number of workers. supervisord closes the shared
// socket when the last worker that holds it exits, so with one worker each
// restart would refuse connections.
const MinWorkers = 2

// MaxWorkers is the largest number of workers. It catches typing errors and is
// not the limit of a machine: a Go process uses every core by itself, so more
// workers have no benefit.
const MaxWorkers = 64

// Workers are the processes that serve on one machine.
type Workers struct {
	// Mode is WorkersShared by default.
	Mode WorkersMode `config:"mode"`
	// Count is MinWorkers by default. One Go worker already uses all cores; the
	// second one serves while the other is replaced.
	Count int `config:"count"`
	// PortsBase is the first worker's port in WorkersPorts mode. Default 3001.
	PortsBase int `config:"portsBase"`
	// Affinity sends each client's address to the same worker as long as that
	// worker runs. Only in WorkersPorts mode. Default false.
	Affinity bool `config:"affinity"`
	// MaxFails is the number of failures within FailTimeout after which Nginx
	// does not use a worker for FailTimeout. Only in WorkersPorts mode. Default
	// 0: Nginx uses each worker at all times. A missing worker refuses a
	// connection at once, and the request goes to the next one. That costs less
	// than a restarted worker that Nginx does not use yet while the next one is
	// replaced.
	MaxFails int `config:"maxFails"`
	// FailTimeout is in whole seconds. With MaxFails it must be below
	// Lifecycle.Steady, so that each worker is in use again before the next one
	// is replaced. Default 0.
	FailTimeout time.Duration `config:"failTimeout"`
}

// NewWorkers returns the defaults.
func NewWorkers() Workers {
	return Workers{Mode: WorkersShared, Count: MinWorkers, PortsBase: 3001}
}
