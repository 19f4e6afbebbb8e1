package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"escala/cloudinit/agent"
	"escala/service"
)

// own holds the variables that differ between workers. They are set last, so no
// variable of the service can replace them.
type own struct {
	worker        int // noWorker for a command beside the workers
	listen, admin string
	host, port    string
	goMemory      string
}

const noWorker = -1

// environment returns a worker's environment: the variables of this process,
// those of all workers, the secrets, and the worker's own.
func (r Root) environment(o own) ([]string, error) {
	all := map[string]string{}
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		all[name] = value
	}
	for _, name := range []string{service.EnvListen, service.EnvHost, service.EnvPort, service.EnvWorker, service.EnvAdmin} {
		delete(all, name)
	}
	if err := r.readEnvironment(EnvironmentFile, all); err != nil {
		return nil, fmt.Errorf("reading the workers' environment: %w", err)
	}
	config, err := r.Config()
	if err != nil {
		return nil, err
	}
	if config.Secrets != nil {
		err := r.readEnvironment(SecretsFile, all)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, errors.New("the service's secrets have not been read yet")
		}
		if err != nil {
			// A JSON error could contain a part of the secrets.
			return nil, errors.New("the service's secrets cannot be read from memory")
		}
	}
	if o.worker != noWorker {
		all[service.EnvWorker] = strconv.Itoa(o.worker)
	}
	for name, value := range map[string]string{service.EnvAdmin: o.admin, service.EnvListen: o.listen, service.EnvHost: o.host, service.EnvPort: o.port, service.EnvGoMemory: o.goMemory} {
		if value != "" {
			all[name] = value
		}
	}
	out := make([]string, 0, len(all))
	for name, value := range all {
		out = append(out, name+"="+value)
	}
	sort.Strings(out)
	return out, nil
}

func (r Root) readEnvironment(name string, into map[string]string) error {
	content, err := os.ReadFile(r.path(name))
	if err != nil {
		return err
	}
	return json.Unmarshal(content, &into)
}

// RunWorker replaces this process by the worker in a slot. The supervisor's
// shared socket is the standard input, unless each worker has its own port.
func (r Root) RunWorker(config agent.Config, slot int) error {
	// supervisord may start these programs before the first release is
	// installed. They wait for it.
	current := r.path(currentLink)
	if _, err := os.Stat(current); err != nil {
		fmt.Println("waiting for the first release")
		for err != nil {
			time.Sleep(100 * time.Millisecond)
			_, err = os.Stat(current)
		}
	}
	o := own{worker: config.Worker(slot)}
	if config.Runtime != service.RuntimeNone {
		o.admin = r.adminSocket(slot)
	}
	if config.Mode == service.WorkersPorts {
		o.host, o.port = loopback, strconv.Itoa(config.PortsBase+slot)
	} else {
		o.listen = "fd:0"
	}
	environment, err := r.environment(o)
	if err != nil {
		return err
	}
	folder, err := filepath.EvalSymlinks(current)
	if err != nil {
		return fmt.Errorf("looking for the current release: %w", err)
	}
	program, name := path.Join(folder, config.Name), path.Join(current, config.Name)
	if files := path.Join(folder, agent.FilesFolder); isFolder(files) {
		program, name = files, path.Join(current, agent.FilesFolder)
	}
	start, err := startOf(config, program, name)
	if err != nil {
		return err
	}
	if err := os.Chdir(start.folder); err != nil {
		return fmt.Errorf("starting %s: %w", start.path, err)
	}
	if config.Runtime == service.RuntimeNone {
		if err := r.writeNote(slot, service.ReleaseID(path.Base(folder))); err != nil {
			return err
		}
	}
	if err := syscall.Exec(start.path, start.args, environment); err != nil {
		return fmt.Errorf("starting %s: %w", start.path, err)
	}
	return nil
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}
