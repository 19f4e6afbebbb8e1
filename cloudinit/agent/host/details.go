package host

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"escala/cloudinit/agent"
	"escala/service/machine"
)

// Details collects the machine's details, for its operator.
type Details struct {
	Root      Root
	Config    agent.Config
	MachineID string
	// Supervisor lists the workers' processes.
	Supervisor interface {
		Slots(ctx context.Context) ([]agent.Slot, error)
	}

	ended unexpected
}

// Now returns the current details. A value that cannot be determined is 0.
func (d *Details) Now(ctx context.Context) machine.Details {
	now := time.Now()
	total, free := memory()
	out := machine.Details{
		Machine: d.MachineID, Booted: booted(now), Disk: space(d.Root.path(releasesFolder)),
		Memory: machine.Space{Total: total, Free: free}, Workers: []machine.WorkerDetails{},
		SSHHostKeys: sshHostKeys(d.Root),
	}
	restarts := d.ended.count(d.Root.path(SupervisorLog), d.Config)
	slots, err := d.Supervisor.Slots(ctx)
	for worker := range d.Config.Workers {
		w := machine.WorkerDetails{Worker: worker, Restarts: restarts[worker]}
		for slot, s := range slots {
			pid := pidOf(s.Process)
			// While one process replaces another, the older one serves.
			if err != nil || d.Config.Worker(slot) != worker || !s.Alive() || pid == 0 {
				continue
			}
			if started := now.Add(-s.Up).Unix(); w.Started == 0 || started < w.Started {
				w.Started, w.Memory = started, resident(pid)
			}
		}
		out.Workers = append(out.Workers, w)
	}
	return out
}

// pidOf returns the process id in the result of processName, or 0.
func pidOf(process string) int {
	pid, _, _ := strings.Cut(process, "-")
	number, _ := strconv.Atoi(pid)
	return number
}

// resident returns a process' resident memory in bytes, the second field of statm
// (see proc(5)).
func resident(pid int) int64 {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(content))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// space returns the space for users other than root.
func space(path string) machine.Space {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return machine.Space{}
	}
	size := uint64(s.Bsize)
	return machine.Space{Free: int64(s.Bavail * size), Total: int64((s.Blocks - s.Bfree + s.Bavail) * size)}
}

// booted returns the time of the operating system's start: that of process 1,
// which in a container is later than the kernel's.
func booted(now time.Time) int64 {
	up, ok := uptime()
	first, there := processStart(1)
	if !ok || !there {
		return 0
	}
	return now.Add(first - up).Unix()
}

// bootID identifies this boot: by the kernel's id and the start of process 1, since
// a container can start again without the kernel.
func bootID() string {
	id := kernelBootID()
	first, ok := processStart(1)
	if id == "" || !ok {
		return ""
	}
	return fmt.Sprintf("%s-%d", id, int64(first/tick))
}

// unexpected counts the workers' processes that ended by themselves, from what
// supervisord has written to its log since the last count.
type unexpected struct {
	offset int64
	counts map[int]int
}

// logChunk limits what one count reads, in bytes. A count continues where the last
// one stopped.
const logChunk = 4 << 20

var endedSlot = regexp.MustCompile(`exited: (\S+)_(\d+) \(.*not expected\)`)

// count returns the numbers by worker.
func (u *unexpected) count(path string, c agent.Config) map[int]int {
	if u.counts == nil {
		u.counts = map[int]int{}
	}
	f, err := os.Open(path)
	if err != nil {
		return u.counts
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return u.counts
	}
	if info.Size() < u.offset {
		u.offset = 0 // supervisord began another file
	}
	content, err := io.ReadAll(io.NewSectionReader(f, u.offset, logChunk))
	if err != nil {
		return u.counts
	}
	// An incomplete last line is read the next time.
	content = content[:bytes.LastIndexByte(content, '\n')+1]
	u.offset += int64(len(content))
	for line := range bytes.Lines(content) {
		m := endedSlot.FindSubmatch(line)
		if m == nil || string(m[1]) != c.Name {
			continue
		}
		if slot, err := strconv.Atoi(string(m[2])); err == nil && slot < c.Slots() {
			u.counts[c.Worker(slot)]++
		}
	}
	return u.counts
}
