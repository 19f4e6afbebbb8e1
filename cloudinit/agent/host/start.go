package host

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"escala/cloudinit/agent"
	"escala/service"
)

// started is how a release's program is started.
type started struct {
	path   string
	args   []string
	folder string // "/" for a program that is one file with escala's runtime
}

// startOf returns how to start a release. program is its binary, or the folder
// of its files. name replaces it in the arguments, so that ps shows a path that
// is the same for all releases.
func startOf(config agent.Config, program, name string) (started, error) {
	info, err := os.Stat(program)
	if err != nil {
		return started{}, fmt.Errorf("starting the release: %w", err)
	}
	if !info.IsDir() && len(config.Command) == 0 {
		return started{path: program, args: []string{name, "serve"}, folder: "/"}, nil
	}
	s := started{folder: program}
	if !info.IsDir() {
		s.folder, name = filepath.Dir(program), path.Dir(name)
	}
	s.args = append([]string{}, config.Command...)
	if len(s.args) == 0 {
		s.args = []string{"./" + config.Name, "serve"}
	}
	if !strings.Contains(s.args[0], "/") {
		s.path, err = exec.LookPath(s.args[0])
		if err != nil {
			return started{}, fmt.Errorf("starting the release: %w", err)
		}
		return s, nil
	}
	s.path = filepath.Join(s.folder, s.args[0])
	s.args[0] = path.Join(name, s.args[0])
	return s, nil
}

// note records which release a worker's process runs. The path of the executable
// shows that only for a program that is not interpreted. A worker writes it before
// it becomes the program.
type note struct {
	Process string            `json:"process"`
	PID     int               `json:"pid"`
	Release service.ReleaseID `json:"release"`
}

func (r Root) notePath(slot int) string {
	return r.path(adminFolder + "/worker-" + strconv.Itoa(slot) + ".json")
}

// writeNote writes the note of this process.
func (r Root) writeNote(slot int, release service.ReleaseID) error {
	content, err := json.Marshal(note{Process: processName(os.Getpid()), PID: os.Getpid(), Release: release})
	if err != nil {
		return fmt.Errorf("noting the release: %w", err)
	}
	part := r.notePath(slot) + ".new"
	if err := os.WriteFile(part, content, 0o644); err != nil {
		return fmt.Errorf("noting the release: %w", err)
	}
	if err := os.Rename(part, r.notePath(slot)); err != nil {
		return fmt.Errorf("noting the release: %w", err)
	}
	return nil
}

// noteLimit is more than the size of any note, in bytes.
const noteLimit = 4 << 10

// readNote returns the note of the process that was started last in a slot. It
// returns the zero note if that process has ended.
//
// The service's account can write the file. It must not block the agent, with a pipe
// or an endless file. Nor may it name another account's process, which the agent
// might end as root.
func (r Root) readNote(slot int) note {
	f, err := os.OpenFile(r.notePath(slot), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return note{}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return note{}
	}
	content, err := io.ReadAll(io.LimitReader(f, noteLimit))
	if err != nil {
		return note{}
	}
	var n note
	if json.Unmarshal(content, &n) != nil || !n.Release.Valid() || n.PID <= 1 || processName(n.PID) != n.Process {
		return note{}
	}
	process, err := os.Stat("/proc/" + strconv.Itoa(n.PID))
	if err != nil || owner(process) != owner(info) {
		return note{}
	}
	return n
}

// owner returns the number of a file's or a process's account.
func owner(info fs.FileInfo) uint32 { return info.Sys().(*syscall.Stat_t).Uid }

// notedOrphans returns the workers' processes that are not children of the
// supervisor.
func (r Root) notedOrphans(supervisor, slots int) []agent.Orphan {
	var out []agent.Orphan
	for slot := range slots {
		n := r.readNote(slot)
		if ppid := parent(n.PID); n.PID == 0 || ppid == 0 || ppid == supervisor {
			continue
		}
		out = append(out, agent.Orphan{PID: n.PID, Slot: slot, Process: n.Process})
	}
	return out
}
