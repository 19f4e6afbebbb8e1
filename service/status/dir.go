package status

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"time"
)

// PrimarySocket is the name of the primary's status socket in RUN_DIR.
const PrimarySocket = "cluster.sock"

// EnvRunDir is the environment variable with the directory of the sockets, for
// api cluster and api status.
const EnvRunDir = "RUN_DIR"

// DefaultDir returns RUN_DIR if it is set. Otherwise it returns /run/api for
// root, and a directory that the user may write to for other users.
func DefaultDir(getenv func(string) string) string {
	if dir := getenv(EnvRunDir); dir != "" {
		return dir
	}
	const machine = "/run/api"
	if _, err := os.Stat(machine); err == nil || os.Getuid() == 0 {
		return machine
	}
	if dir := getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "api")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("api-%d", os.Getuid()))
}

// NotAnswering is the State of a socket that does not answer.
const NotAnswering = "not answering"

// answerTime is the time limit for the answer of one socket.
const answerTime = 2 * time.Second

// ReadDir reads the status from the sockets in a directory: from the primary's
// if it answers, otherwise from each worker's own.
func ReadDir(ctx context.Context, dir string) (Report, error) {
	var c Report
	path := filepath.Join(dir, PrimarySocket)
	if _, err := os.Lstat(path); err == nil {
		err := readOne(ctx, path, &c)
		if err == nil {
			return c, nil
		}
		c = Report{}
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("no directory %s: nothing runs here, or its sockets are elsewhere (--dir, %s)", dir, EnvRunDir)
	}
	if err != nil {
		return c, fmt.Errorf("reading the sockets' directory: %w", err)
	}
	for _, e := range entries {
		if e.Type() != fs.ModeSocket || e.Name() == PrimarySocket {
			continue
		}
		var w Worker
		if err := readOne(ctx, filepath.Join(dir, e.Name()), &w); err != nil {
			w = Worker{Worker: -1, PID: -1, State: NotAnswering}
		}
		c.Workers = append(c.Workers, w)
	}
	if len(c.Workers) == 0 {
		return c, fmt.Errorf("no worker's socket in %s: nothing runs here, or its sockets are elsewhere (--dir, %s)", dir, EnvRunDir)
	}
	sort.SliceStable(c.Workers, func(i, j int) bool { return c.Workers[i].Worker < c.Workers[j].Worker })
	return c, nil
}

func readOne(ctx context.Context, path string, v any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return Read(ctx, path, v)
}
