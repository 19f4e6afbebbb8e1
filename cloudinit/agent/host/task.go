package host

import (
	"encoding/json"
	"fmt"
	"os"
	"os/user"
	"path"
	"path/filepath"
	"strconv"
	"syscall"

	"escala/cloudinit/agent"
	"escala/service"
)

// task is a command of the service beside its workers.
type task struct {
	command   []string
	memoryMiB int
	// folder is the release's folder. number is the environment variable WORKER.
	folder string
	number int
}

// become replaces this process by a task, as the service's user. The working
// directory is the folder of the release.
func (r Root) become(config agent.Config, t task) error {
	environment, err := r.environment(own{worker: t.number, goMemory: service.GoMemory(t.memoryMiB)})
	if err != nil {
		return err
	}
	program, name := path.Join(t.folder, config.Name), path.Join(r.path(currentLink), config.Name)
	if files := path.Join(t.folder, agent.FilesFolder); isFolder(files) {
		program, name = files, path.Join(r.path(currentLink), agent.FilesFolder)
	}
	config.Command = t.command
	if t.command[0] == config.Name {
		config.Command = append([]string{"./" + config.Name}, t.command[1:]...)
	}
	start, err := startOf(config, program, name)
	if err != nil {
		return err
	}
	if err := os.Chdir(start.folder); err != nil {
		return fmt.Errorf("starting %s: %w", start.path, err)
	}
	if err := becomeUser(config.User); err != nil {
		return err
	}
	if err := syscall.Exec(start.path, start.args, environment); err != nil {
		return fmt.Errorf("starting %s: %w", start.path, err)
	}
	return nil
}

// becomeUser changes this process permanently to an account. If this process is not
// root, the account stays the same.
func becomeUser(name string) error {
	if os.Getuid() != 0 {
		return nil
	}
	uid, gid, err := account(name)
	if err != nil {
		return err
	}
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return fmt.Errorf("looking for the service's user: %w", err)
	}
	ids, err := u.GroupIds()
	if err != nil {
		return fmt.Errorf("looking for the groups of the service's user: %w", err)
	}
	var groups []int
	for _, id := range ids {
		group, err := strconv.Atoi(id)
		if err != nil {
			return fmt.Errorf("looking for the groups of the service's user: %w", err)
		}
		groups = append(groups, group)
	}
	if err := syscall.Setgroups(groups); err != nil {
		return fmt.Errorf("becoming user %s: %w", name, err)
	}
	if err := syscall.Setgid(gid); err != nil {
		return fmt.Errorf("becoming user %s: %w", name, err)
	}
	if err := syscall.Setuid(uid); err != nil {
		return fmt.Errorf("becoming user %s: %w", name, err)
	}
	return nil
}

// currentFolder returns the folder of the current release.
func (r Root) currentFolder() (string, error) {
	folder, err := filepath.EvalSymlinks(r.path(currentLink))
	if err != nil {
		return "", fmt.Errorf("looking for the current release: %w", err)
	}
	return folder, nil
}

// writeJSON replaces a file in a folder that only root can write to.
func writeJSON(name string, v any) error {
	content, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	part := name + ".new"
	if err := os.WriteFile(part, content, 0o644); err != nil {
		return err
	}
	return os.Rename(part, name)
}

// readJSON reads what writeJSON wrote.
func readJSON(name string, into any) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, into)
}
