package config

import (
	"errors"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"escala/service"
	"escala/service/listen"
	"escala/service/status"
)

const (
	// EnvStopTimeout is Lifecycle.Stop for api cluster: the time after which
	// the primary kills a worker that has not ended. Default: announce + drain
	// + StopMargin.
	EnvStopTimeout = "STOP_TIMEOUT"
	// EnvSteady is Lifecycle.Steady for api cluster: the time that a new worker
	// must stay ready before the next one is replaced. Default 1 s.
	EnvSteady = "ROLL_STEADY"
	// EnvMemoryMax is the resident memory in MiB above which a worker is
	// replaced. Default 0: never.
	EnvMemoryMax = "WORKER_MEMORY_MAX_MIB"
	// EnvMemoryCheck is the time between two checks of the memory. Default 5 s.
	EnvMemoryCheck = "WORKER_MEMORY_CHECK"
	// EnvRestartPause is the pause before the first restart of a failed worker.
	// It doubles up to 30 s. Default 100 ms.
	EnvRestartPause = "RESTART_PAUSE"
	// EnvRestartLimit is the number of consecutive failures of every worker
	// after which the primary gives up. Default 8.
	EnvRestartLimit = "RESTART_LIMIT"
	// EnvHangLimit is the time without an answer of the health path after which
	// a worker is killed and replaced. 0 is never. Default 30 s.
	EnvHangLimit = "WORKER_HANG_LIMIT"

	envKubernetes = "KUBERNETES_SERVICE_HOST"
)

// Prefork holds a primary's settings from its environment.
type Prefork struct {
	// Workers is the number of workers. The default is the number of processors
	// that the process may use at a time, including a container's quota.
	Workers int
	// Listen is the address of the shared socket.
	Listen listen.Address
	// ReadyPath is the workers' readiness path.
	ReadyPath string
	Lifecycle service.Lifecycle
	// RunDir is the directory of the sockets.
	RunDir string
	// MemoryMax is in bytes, 0 for no limit. MemoryCheck is the time between
	// two checks.
	MemoryMax   uint64
	MemoryCheck time.Duration
	// HangLimit is the time after which a worker that does not answer is
	// killed; 0 for never.
	HangLimit time.Duration
	// RestartPause is the first pause before a restart. RestartLimit is the
	// number of failures after which the primary gives up.
	RestartPause time.Duration
	RestartLimit int
	// Worker holds the settings of every worker. They are checked before any
	// worker starts.
	Worker Worker
}

// ReadPrefork reads the settings of a primary and its workers. It returns an
// error inside another supervisor of several workers. The error is
// service.Violations.
func ReadPrefork(getenv func(string) string) (Prefork, error) {
	r := &reader{getenv: getenv}
	r.refuseNesting()
	c := Prefork{
		Workers:      r.number(service.EnvWorkers, runtime.GOMAXPROCS(0), 1, service.MaxWorkers),
		RunDir:       r.runDir(),
		HangLimit:    r.duration(EnvHangLimit, 30*time.Second, 0),
		MemoryMax:    uint64(r.number(EnvMemoryMax, 0, 0, 1<<24)) << 20,
		MemoryCheck:  r.duration(EnvMemoryCheck, 5*time.Second, 10*time.Millisecond),
		RestartPause: r.duration(EnvRestartPause, 100*time.Millisecond, time.Millisecond),
		RestartLimit: r.number(EnvRestartLimit, 8, 1, 1000),
	}
	if r.getenv(service.EnvMetricsPort) != "" {
		r.bad.Add(service.EnvMetricsPort, "is set: it is the port of one process, such as a pod's, and several workers cannot share it; each answers %s on its own socket in %s", service.MetricsPath, status.EnvRunDir)
	}
	worker, err := ReadWorker(withWorkers(getenv, c.Workers))
	var bad service.Violations
	if errors.As(err, &bad) {
		r.bad = append(r.bad, bad...)
	}
	c.Worker, c.Listen, c.ReadyPath, c.Lifecycle = worker, worker.Listen, worker.ReadyPath, worker.Lifecycle
	least := c.Lifecycle.Announce + c.Lifecycle.Drain + service.StopMargin
	c.Lifecycle.Stop = r.duration(EnvStopTimeout, least, least)
	c.Lifecycle.Steady = r.duration(EnvSteady, service.NewLifecycle().Steady, 0)
	return c, r.bad.Err()
}

// longestSocket is the length of the longest socket name in RUN_DIR: a
// worker's, after a million starts.
const longestSocket = len("/worker-63-1000000.sock")

// runDir reads RUN_DIR. The paths of its sockets are limited in length.
func (r *reader) runDir() string {
	dir := r.text(status.EnvRunDir, status.DefaultDir(r.getenv))
	if !filepath.IsAbs(dir) {
		r.bad.Add(status.EnvRunDir, "%q is not an absolute path; for example \"/run/api\"", dir)
	}
	if most := listen.MaxUnixPath - longestSocket; len(dir) > most {
		r.bad.Add(status.EnvRunDir, "%.40q… has %d bytes; more than %d leave no room for the sockets' names", dir, len(dir), most)
	}
	return filepath.Clean(dir)
}

// withWorkers returns the workers' environment. It contains the number of
// workers even if that comes from the number of processors.
func withWorkers(getenv func(string) string, n int) func(string) string {
	return func(name string) string {
		if name == service.EnvWorkers {
			return strconv.Itoa(n)
		}
		return getenv(name)
	}
}

// refuseNesting reports a primary inside a supervisor of several workers or
// inside a Kubernetes pod. Both would work, but would hide dead workers from
// the outer supervisor.
func (r *reader) refuseNesting() {
	if by := r.getenv(service.EnvSupervised); by != "" {
		r.bad.Add(service.EnvSupervised, "is %q: a supervisor already runs several workers on one socket; run \"api serve\" under it, not \"api cluster\"", by)
	}
	if r.getenv(envKubernetes) != "" {
		r.bad.Add(envKubernetes, "is set: this is a Kubernetes pod, and a pod runs one process; run \"api serve\" and scale with replicas")
	}
}
