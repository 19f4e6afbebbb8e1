package prefork

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"

	"escala/service"
)

// spawner starts processes from one operating system thread that lives as long as
// the primary. The kernel sends Pdeathsig when the thread that started a process
// ends, and not only when the whole parent ends.
type spawner struct{ jobs chan func() }

func newSpawner() *spawner {
	s := &spawner{jobs: make(chan func())}
	go func() {
		runtime.LockOSThread()
		for job := range s.jobs {
			job()
		}
	}()
	return s
}

func (s *spawner) close() { close(s.jobs) }

// start holds the settings with which a process starts.
type start struct {
	slot int
	// socket is the shared socket, or nil. listen is the address to listen on
	// if socket is nil.
	socket *os.File
	listen string
	// admin is the path of the worker's own socket.
	admin string
}

// start runs the program.
func (s *spawner) start(o Options, exe *executable, settings start) (*process, error) {
	p := &process{
		slot:    settings.slot,
		release: exe.release,
		socket:  settings.admin,
		exited:  make(chan struct{}),
	}
	// A worker outlives any context: it drains when it gets a signal. The program
	// is the open file, descriptor 3, and not the file that is at its path by
	// now.
	p.cmd = exec.Command("/proc/self/fd/3", o.Args...) //nolint:noctx // see above
	p.cmd.Args[0] = o.Executable
	p.cmd.Stdout, p.cmd.Stderr = o.Out, o.Err
	p.cmd.ExtraFiles = []*os.File{exe.file}
	if settings.socket != nil {
		p.cmd.ExtraFiles = append(p.cmd.ExtraFiles, settings.socket)
		settings.listen = "fd:4"
	}
	p.cmd.Env = append(os.Environ(),
		service.EnvListen+"="+settings.listen,
		fmt.Sprintf("%s=%d", service.EnvWorker, settings.slot),
		fmt.Sprintf("%s=%d", service.EnvWorkers, o.Config.Workers),
		service.EnvAdmin+"="+p.socket,
		service.EnvSupervised+"=cluster",
	)
	p.cmd.Env = append(p.cmd.Env, o.Environ...)
	p.cmd.SysProcAttr = processAttributes()
	failed := make(chan error)
	s.jobs <- func() { failed <- p.cmd.Start() }
	if err := <-failed; err != nil {
		return nil, fmt.Errorf("starting worker %d: %w", settings.slot, err)
	}
	p.started = time.Now()
	go func() {
		_ = p.cmd.Wait() // ProcessState has the status
		p.code = p.cmd.ProcessState.ExitCode()
		_ = os.Remove(p.socket) // a killed worker leaves it behind
		close(p.exited)
	}()
	return p, nil
}
