package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/secrets"
)

// Secrets writes the service's secrets to memory, where only root and the
// service's user can read them.
type Secrets struct {
	Root   Root
	User   string
	Source secrets.Source
}

var _ agent.Secrets = Secrets{}

// Loaded reports whether the secrets are in memory.
func (s Secrets) Loaded() bool {
	_, err := os.Stat(s.Root.path(SecretsFile))
	return err == nil
}

// Read replaces all secrets, or none.
func (s Secrets) Read(ctx context.Context) error {
	values, err := s.Source.Read(ctx)
	if err != nil {
		return err
	}
	content, err := json.Marshal(map[string]string(values))
	if err != nil {
		return errors.New("the secrets cannot be written as JSON")
	}
	if err := s.write(content); err != nil {
		return fmt.Errorf("writing the secrets to memory: %w", err)
	}
	return nil
}

func (s Secrets) write(content []byte) error {
	_, gid, err := account(s.User)
	if err != nil {
		return err
	}
	path := s.Root.path(SecretsFile)
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	if err := os.Chown(folder, -1, gid); err != nil {
		return err
	}
	// A file of a killed run may have another owner.
	part := path + ".new"
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chown(-1, gid), f.Chmod(0o640), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(part, path)
}
