package report

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/procfs"
)

// Watch records the start of a run and the machine's load at that time.
type Watch struct {
	began   time.Time
	load    float64
	waiting time.Duration
}

// StartWatch starts a run.
func StartWatch() Watch {
	return Watch{began: time.Now(), load: loadAverage(), waiting: cpuWaited()}
}

// Run ends the run and returns its description. root is the clone; command
// repeats the run. Values that cannot be determined stay empty.
func (w Watch) Run(ctx context.Context, root, command string) Run {
	took := time.Since(w.began)
	r := Run{
		Made: time.Now().UTC().Truncate(time.Second), Seconds: took.Seconds(), Command: command,
		Machine: thisMachine(),
	}
	r.Machine.LoadBefore, r.Machine.LoadAfter = w.load, loadAverage()
	r.Machine.CPUWaited = float64(cpuWaited()-w.waiting) / float64(took)
	if commit, err := git(ctx, root, "rev-parse", "HEAD"); err == nil {
		r.Commit = commit
		changes, err := git(ctx, root, "status", "--porcelain", "--untracked-files=no")
		r.Changed = err == nil && changes != ""
	}
	return r
}

func git(ctx context.Context, root string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("asking git: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

func thisMachine() Machine {
	m := Machine{
		CPUs: runtime.NumCPU(),
		OS:   osName(),
		Go:   runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	m.Kernel = strings.TrimSpace(string(kernel))
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return m
	}
	if processors, err := proc.CPUInfo(); err == nil && len(processors) > 0 {
		m.Processor = processors[0].ModelName
	}
	if memory, err := proc.Meminfo(); err == nil && memory.MemTotal != nil {
		m.MemoryMiB = int(*memory.MemTotal / 1024)
	}
	return m
}

// osName returns the display name of the operating system.
func osName() string {
	text, _ := os.ReadFile("/etc/os-release")
	for line := range strings.Lines(string(text)) {
		if name, found := strings.CutPrefix(line, "PRETTY_NAME="); found {
			return strings.Trim(strings.TrimSpace(name), `"`)
		}
	}
	return ""
}

func loadAverage() float64 {
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return 0
	}
	load, err := proc.LoadAvg()
	if err != nil {
		return 0
	}
	return load.Load1
}

// cpuWaited returns the time since boot in which a task waited for a processor.
// It is 0 if the kernel does not count it.
func cpuWaited() time.Duration {
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return 0
	}
	pressure, err := proc.PSIStatsForResource("cpu")
	if err != nil || pressure.Some == nil {
		return 0
	}
	return time.Duration(pressure.Some.Total) * time.Microsecond
}
