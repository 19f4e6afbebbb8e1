package service

// Resources are the share of a machine that one worker, or one pod, gets.
type Resources struct {
	// MemoryMiB is the memory, in MiB, that one worker may use. GOMEMLIMIT
	// keeps the Go runtime below it. Default 256.
	MemoryMiB int `config:"memoryMiB"`
	// CPUMillis is the pod's request to the scheduler, in thousandths of a core. Machines do not use it. Default 100.
	CPUMillis int `config:"cpuMillis"`
	// CPULimitMillis is the most CPU that a pod may use, in thousandths of a
	// core. Machines do not use it. Default 0, which is no limit: a limit would
	// slow the service down while the node is idle, and the request already
	// protects other pods.
	CPULimitMillis int `config:"cpuLimitMillis"`
}

// goMemoryPercent is GOMEMLIMIT as a share of MemoryMiB.
const goMemoryPercent = 90

// NewResources returns the defaults.
func NewResources() Resources {
	return Resources{MemoryMiB: 256, CPUMillis: 100}
}
