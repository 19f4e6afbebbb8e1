package acceptance

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

// binary is the path of the built service. releaseID is its SHA-256.
var binary, releaseID string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	defaultSignals()
	if testing.Short() {
		fmt.Println("skipped: runs the built service; -short leaves that out")
		return 0
	}
	dir, err := os.MkdirTemp("", "acceptance")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "api")
	args := []string{"build", "-o", binary}
	if raceEnabled { // the race detector then watches the processes too
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "escala/service/cmd/api")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the binary under test: %v\n%s", err, out)
		return 1
	}
	b, err := os.ReadFile(binary)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	sum := sha256.Sum256(b)
	releaseID = hex.EncodeToString(sum[:])
	// The tests spend most of their time waiting for processes.
	if err := flag.Set("test.parallel", "8"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// defaultSignals makes the processes under test start with the default actions
// of SIGHUP and SIGINT. A process inherits ignored signals, and nohup or a
// background job of a shell ignores these two. A signal that is caught here is
// reset when a process starts (execve(2)).
func defaultSignals() {
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}
