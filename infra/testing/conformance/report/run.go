package report

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Watch notes when a run began and how busy the machine was then.
type Watch struct {
	began   time.Time
	load    float64
	waiting time.Duration
}

// StartWatch begins a run.
func StartWatch() Watch {
	return Watch{began: time.Now(), load: loadAverage(), waiting: cpuWaited()}
}

// Run ends the run and says where it comes from. root is the clone, command how
// to repeat it. What cannot be found out is left empty.
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
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	memory, _ := strconv.Atoi(strings.TrimSuffix(field("/proc/meminfo", "MemTotal", ":"), " kB"))
	return Machine{
		CPUs:      runtime.NumCPU(),
		Processor: field("/proc/cpuinfo", "model name", ":"),
		MemoryMiB: memory / 1024,
		OS:        strings.Trim(field("/etc/os-release", "PRETTY_NAME", "="), `"`),
		Kernel:    strings.TrimSpace(string(kernel)),
		Go:        runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
	}
}

// field is the value of the first "name<separator> value" line of a file.
func field(path, name, separator string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, found := strings.Cut(lines.Text(), separator)
		if found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func loadAverage() float64 {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	load, _ := strconv.ParseFloat(first, 64)
	return load
}

// cpuWaited is how long, since the computer started, something waited for a
// processor. 0 where the kernel does not count it.
func cpuWaited() time.Duration {
	text, _ := os.ReadFile("/proc/pressure/cpu")
	some, _, _ := strings.Cut(string(text), "\n")
	_, total, _ := strings.Cut(some, "total=")
	us, _ := strconv.ParseInt(strings.TrimSpace(total), 10, 64)
	return time.Duration(us) * time.Microsecond
}
