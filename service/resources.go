package service

// Resources are one worker's (one pod's) share of a machine.
type Resources struct {
	// MemoryMiB is the memory, in MiB, that one worker may use. The Go runtime
	// is told (GOMEMLIMIT) to stay below it. Default 256.
	MemoryMiB int `config:"memoryMiB"`
	// CPUMillis is what a pod asks the scheduler for, in thousandths of a
	// core. Machines do not use it. Default 100.
	CPUMillis int `config:"cpuMillis"`
}

// NewResources returns the defaults.
func NewResources() Resources {
	return Resources{MemoryMiB: 256, CPUMillis: 100}
}
