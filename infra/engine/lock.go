package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A state has two locks. The first is the kernel's lock on a file beside the folder
// of locks. It ends with the process that holds it, even if that is killed, and
// works between processes of this program on one computer. The second is a JSON file
// in the folder, in the CLI's form, for the CLI and for processes on other computers
// that share the folder.

// Holder is the process that holds a lock.
type Holder struct {
	PID      int       `json:"pid"`
	Username string    `json:"username"`
	Hostname string    `json:"hostname"`
	Since    time.Time `json:"timestamp"`
	// Operation is the holder's operation, for example "update". The CLI does
	// not write it.
	Operation string `json:"operation,omitempty"`

	path string
}

// String returns the holder for messages.
func (h Holder) String() string {
	text := fmt.Sprintf("%s@%s, process %d, since %s", h.Username, h.Hostname, h.PID, h.Since.Local().Format(time.DateTime))
	if h.Operation != "" {
		text += " (" + h.Operation + ")"
	}
	return text
}

// ended reports whether the process is on this computer and has ended. Processes
// of other computers cannot be checked.
func (h Holder) ended() bool {
	hostname, err := os.Hostname()
	return err == nil && h.Hostname == hostname && !running(h.PID, h.Since)
}

// LockedError is the error of an operation on a state that another process has
// locked.
type LockedError struct {
	Stack   string
	Holders []Holder
}

func (e *LockedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "stack %s is locked by", e.Stack)
	if len(e.Holders) == 0 {
		b.WriteString(" a process that starts or ends at this moment")
	}
	for _, h := range e.Holders {
		fmt.Fprintf(&b, "\n  %s", h)
	}
	fmt.Fprintf(&b, "\nWait for it: make up STACK=%[1]s WAIT=5m. If it ran on another computer and is known to have ended, remove its lock: make unlock STACK=%[1]s", e.Stack)
	return b.String()
}

// lockRequest has the parameters of lock.
type lockRequest struct {
	operation string
	// wait is the time to wait for another process; 0 is none.
	wait time.Duration
	// waiting is called when the wait begins. Optional.
	waiting func(*LockedError)
}

// lockPoll is the time between two attempts.
const lockPoll = 200 * time.Millisecond

// lock locks the state. The error is a *LockedError if another process holds it.
func (s store) lock(ctx context.Context, r lockRequest) (unlock func(), err error) {
	deadline := time.Now().Add(r.wait)
	for reported := false; ; {
		unlock, err := s.tryLock(r.operation)
		locked := new(LockedError)
		if !errors.As(err, &locked) || !time.Now().Before(deadline) {
			return unlock, err
		}
		if !reported && r.waiting != nil {
			r.waiting(locked)
		}
		reported = true
		select {
		case <-ctx.Done():
			return nil, ErrInterrupted
		case <-time.After(lockPoll):
		}
	}
}

func (s store) tryLock(operation string) (unlock func(), err error) {
	kernel, err := s.lockFile()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			release(kernel)
		}
	}()
	own, err := thisProcess(operation)
	if err != nil {
		return nil, fmt.Errorf("locking the state: %w", err)
	}
	own.path = filepath.Join(s.lockFolder(), fmt.Sprintf("%d-%d.json", own.PID, own.Since.UnixNano()))
	// As in the CLI, this reads, writes, and reads again, since two processes may
	// write at once.
	if err := s.free(own); err != nil {
		return nil, err
	}
	text, err := marshal(own)
	if err != nil {
		return nil, fmt.Errorf("locking the state: %w", err)
	}
	if err := writeFile(own.path, text); err != nil {
		return nil, fmt.Errorf("locking the state: %w", err)
	}
	if err := s.free(own); err != nil {
		_ = os.Remove(own.path)
		return nil, err
	}
	return func() {
		_ = os.Remove(own.path)
		release(kernel)
	}, nil
}

// lockFile takes the kernel's lock.
func (s store) lockFile() (*os.File, error) {
	if err := os.MkdirAll(s.lockFolder(), 0o700); err != nil {
		return nil, fmt.Errorf("locking the state: %w", err)
	}
	f, err := os.OpenFile(s.lockFolder()+".flock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the state: %w", err)
	}
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		f.Close()
		holders, err := s.holders()
		if err != nil {
			return nil, err
		}
		return nil, &LockedError{Stack: s.stack, Holders: holders}
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("locking the state: %s: %w", f.Name(), err)
	}
	return f, nil
}

// release releases the kernel's lock. Close alone does not, while a child that this
// process has just forked still has a copy of the file.
func release(kernel *os.File) {
	_ = syscall.Flock(int(kernel.Fd()), syscall.LOCK_UN)
	kernel.Close()
}

// free removes the locks of processes that have ended. It fails if any lock but
// own is left.
func (s store) free(own Holder) error {
	holders, err := s.holders()
	if err != nil {
		return err
	}
	var held []Holder
	for _, h := range holders {
		switch {
		case h.path == own.path:
		case h.ended():
			if err := os.Remove(h.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("removing the lock of a process that has ended: %w", err)
			}
		default:
			held = append(held, h)
		}
	}
	if len(held) > 0 {
		return &LockedError{Stack: s.stack, Holders: held}
	}
	return nil
}

// unlock removes all locks but those of processes that run on this computer.
func (s store) unlock() ([]Holder, error) {
	holders, err := s.holders()
	if err != nil {
		return nil, err
	}
	hostname, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("unlocking the state: %w", err)
	}
	var removed []Holder
	for _, h := range holders {
		if h.Hostname == hostname && !h.ended() {
			return removed, fmt.Errorf("stack %s is locked by a process that runs: %s\nEnd it first: kill %d", s.stack, h, h.PID)
		}
		if err := os.Remove(h.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return removed, fmt.Errorf("unlocking the state: %w", err)
		}
		removed = append(removed, h)
	}
	return removed, nil
}

func (s store) lockFolder() string {
	return s.path("locks", organization, s.project, s.stack)
}

// holders reads the lock files.
func (s store) holders() ([]Holder, error) {
	entries, err := os.ReadDir(s.lockFolder())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the locks: %w", err)
	}
	var holders []Holder
	for _, e := range entries {
		path := filepath.Join(s.lockFolder(), e.Name())
		if e.IsDir() || filepath.Ext(path) != ".json" {
			continue
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the locks: %w", err)
		}
		h := Holder{path: path}
		if err := json.Unmarshal(text, &h); err != nil {
			return nil, fmt.Errorf("reading the lock %s: %w\nIf no operation runs, delete that file", path, err)
		}
		holders = append(holders, h)
	}
	return holders, nil
}

// thisProcess returns this process as a holder.
func thisProcess(operation string) (Holder, error) {
	hostname, err := os.Hostname()
	if err != nil {
		return Holder{}, err
	}
	name := strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return Holder{PID: os.Getpid(), Username: name, Hostname: hostname, Since: time.Now(), Operation: operation}, nil
}
