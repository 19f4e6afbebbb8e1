package service

import "time"

// WorkersMode is how the workers of one machine share its traffic.
type WorkersMode string

const (
	// WorkersShared is one listening socket, which the supervisor owns and every worker
	// accepts from (PM2 calls this cluster mode).
	WorkersShared WorkersMode = "shared"
	// WorkersPorts is a port for each worker, behind an Nginx upstream
	// (PM2 calls this fork mode).
	WorkersPorts WorkersMode = "ports"
)

// MinWorkers is two because supervisord closes the shared socket when the last
// worker that holds it exits: with one worker, each restart would refuse
// connections.
const MinWorkers = 2

// MaxWorkers bounds a typing error, not a machine: a Go process uses every
// core by itself, so more workers than this buy nothing.
const MaxWorkers = 64

// Workers are the processes that serve on one machine.
type Workers struct {
	// Mode is WorkersShared by default.
	Mode WorkersMode `config:"mode"`
	// Count is MinWorkers by default: one Go worker already uses all cores,
	// the second is there so that one can always serve while the other is
	// replaced.
	Count int `config:"count"`
	// PortsBase is the first worker's port in WorkersPorts mode. Default 3001.
	PortsBase int `config:"portsBase"`
	// Affinity has each client's address served by the same worker for as long
	// as that worker is there. Only in WorkersPorts mode. Default false.
	Affinity bool `config:"affinity"`
	// MaxFails is after how many failures within FailTimeout Nginx passes a
	// worker over, for FailTimeout. Only in WorkersPorts mode. Default 0: never.
	// A worker that is not there refuses a connection at once, and the request
	// goes to the next one, which costs less than a worker that is passed over
	// while it is long back, and the next one is replaced.
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
