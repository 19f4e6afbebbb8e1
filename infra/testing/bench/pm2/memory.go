package pm2

import "escala/infra/testing/bench/proctree"

// Memory is a stack's memory by component, as PSS in bytes.
type Memory struct {
	// Manager is the memory of the process that starts the workers: PM2,
	// supervisord, the primary of api cluster.
	Manager int64 `json:"manager"`
	Workers int64 `json:"workers"`
	Nginx   int64 `json:"nginx"`
}

// memoryOf reads a stack's memory.
func memoryOf(s stack) (m Memory, err error) {
	workers, err := workersOf(s)
	if err != nil {
		return m, err
	}
	if m.Workers, err = proctree.PSS(workers...); err != nil {
		return m, err
	}
	managed, err := proctree.PSS(s.manager())
	if err != nil {
		return m, err
	}
	m.Manager = managed - m.Workers
	all, err := proctree.PSS(s.roots()...)
	if err != nil {
		return m, err
	}
	m.Nginx = all - managed
	return m, nil
}
