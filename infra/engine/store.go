package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pulumi/pulumi/pkg/v3/resource/deploy"
	"github.com/pulumi/pulumi/pkg/v3/resource/stack"
	"github.com/pulumi/pulumi/pkg/v3/secrets"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/fsutil"
)

// store holds a stack's state in a folder, in the CLI's layout of version 1:
//
//	.pulumi/meta.yaml
//	.pulumi/stacks/PROJECT/STACK.json (and .bak: the state before)
//	.pulumi/history/PROJECT/STACK/STACK-NANOSECONDS.{history,checkpoint}.json
//	.pulumi/backups/PROJECT/STACK/STACK.NANOSECONDS.json
//	.pulumi/locks/organization/PROJECT/STACK/ID.json
type store struct{ root, project, stack string }

// organization is the only organization of a state in a folder.
const organization = "organization"

func (s store) path(parts ...string) string {
	return filepath.Join(append([]string{s.root, ".pulumi"}, parts...)...)
}

func (s store) file() string { return s.path("stacks", s.project, s.stack+".json") }

// compressed returns the file names that a CLI with PULUMI_DIY_BACKEND_GZIP or
// _ZSTD writes instead.
func (s store) compressed() []string {
	return []string{s.file() + encoding.GZIPExt, s.file() + encoding.ZSTDExt}
}

// content is a state as in its file, with encrypted secrets.
type content struct{ *apitype.CheckpointV3 }

// resources returns the number of resources, without the stack itself.
func (c content) resources() int {
	if c.CheckpointV3 == nil || c.Latest == nil {
		return 0
	}
	n := 0
	for _, r := range c.Latest.Resources {
		if r.Type != stackType {
			n++
		}
	}
	return n
}

const stackType = "pulumi:pulumi:Stack"

// read returns the state, or nil if there is none.
func (s store) read() (*content, error) {
	path, newest := s.file(), time.Time{}
	for _, candidate := range append([]string{s.file()}, s.compressed()...) {
		if info, err := os.Stat(candidate); err == nil && info.ModTime().After(newest) {
			path, newest = candidate, info.ModTime()
		}
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the state: %w", err)
	}
	format := encoding.Compress(encoding.JSON, encoding.DetectCompression(text))
	checkpoint, _, _, err := stack.UnmarshalVersionedCheckpointToLatestCheckpoint(format, text)
	if err != nil {
		return nil, fmt.Errorf("reading the state %s (%s.bak is the one before): %w", path, path, err)
	}
	return &content{checkpoint}, nil
}

// load returns the state with decrypted secrets, or nil if there is none.
func (s store) load(ctx context.Context, keys secrets.Provider) (*deploy.Snapshot, error) {
	read, err := s.read()
	if err != nil || read == nil {
		return nil, err
	}
	snapshot, err := stack.DeserializeCheckpoint(ctx, keys, read.CheckpointV3)
	if err != nil {
		return nil, fmt.Errorf("reading the state %s: %w", s.file(), err)
	}
	if snapshot == nil {
		return nil, nil
	}
	if err := snapshot.VerifyIntegrity(); err != nil {
		return nil, fmt.Errorf("the state %s contradicts itself (%s.bak is the one before): %w", s.file(), s.file(), err)
	}
	return snapshot, nil
}

// save replaces the state. The previous one stays beside it as .bak.
func (s store) save(snapshot *deploy.Snapshot) error {
	checkpoint, err := stack.SerializeCheckpoint(tokens.QName(s.qualified()), snapshot, false)
	if err != nil {
		return fmt.Errorf("writing the state: %w", err)
	}
	text, err := marshal(checkpoint)
	if err != nil {
		return fmt.Errorf("writing the state: %w", err)
	}
	if err := s.write(text); err != nil {
		return fmt.Errorf("writing the state: %w", err)
	}
	// The file is written before the integrity check, so that the engine's work is
	// recorded.
	if err := snapshot.VerifyIntegrity(); err != nil {
		return fmt.Errorf("the state %s contradicts itself (%s.bak is the one before): %w", s.file(), s.file(), err)
	}
	return nil
}

func (s store) write(text []byte) error {
	meta := s.path("meta.yaml")
	if _, err := os.Stat(meta); errors.Is(err, fs.ErrNotExist) {
		if err := writeFile(meta, []byte("version: 1\n")); err != nil {
			return err
		}
	}
	if err := backup(s.file(), s.file()+".bak"); err != nil {
		return err
	}
	if err := writeFile(s.file(), text); err != nil {
		return err
	}
	for _, path := range s.compressed() {
		if err := os.Rename(path, path+".bak"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// qualified returns the stack's name as the CLI writes it into states and
// locks.
func (s store) qualified() string { return organization + "/" + s.project + "/" + s.stack }

// update is an entry of the stack's history.
type update struct {
	Kind            apitype.UpdateKind `json:"kind"`
	StartTime       int64              `json:"startTime"`
	Message         string             `json:"message"`
	Environment     map[string]string  `json:"environment"`
	Config          config.Map         `json:"config"`
	Version         int                `json:"version"`
	Result          string             `json:"result"`
	EndTime         int64              `json:"endTime"`
	ResourceChanges map[string]int     `json:"resourceChanges,omitempty"`
}

// record writes an operation into the history, with the state after it and a
// backup of that state.
func (s store) record(u update) error {
	text, err := os.ReadFile(s.file())
	if err != nil {
		return fmt.Errorf("writing the history: %w", err)
	}
	entry, err := marshal(u)
	if err != nil {
		return fmt.Errorf("writing the history: %w", err)
	}
	name, now := fsutil.NamePath(tokens.Name(s.stack)), time.Now().UnixNano()
	history := s.path("history", s.project, s.stack, fmt.Sprintf("%s-%d", name, now))
	err = errors.Join(
		writeFile(history+".history.json", entry),
		writeFile(history+".checkpoint.json", text),
		writeFile(s.path("backups", s.project, s.stack, fmt.Sprintf("%s.%d.json", name, now)), text))
	if err != nil {
		return fmt.Errorf("writing the history: %w", err)
	}
	return nil
}

// remove deletes the state and the history. The state stays as .bak, and the
// backups stay, as with `pulumi stack rm`.
func (s store) remove() error {
	var failed []error
	for _, path := range append([]string{s.file()}, s.compressed()...) {
		if err := os.Rename(path, path+".bak"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, err)
		}
	}
	failed = append(failed, os.RemoveAll(s.path("history", s.project, s.stack)))
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("removing the state: %w", err)
	}
	return nil
}

// marshal returns JSON in one line, without escapes for HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// writeFile writes a file completely or not at all. It creates the folder.
func writeFile(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+strings.TrimPrefix(filepath.Base(path), ".")+".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// backup replaces copied by a second link to path. A file at path is never written
// in place, so a second link is as good as a copy.
func backup(path, copied string) error {
	if err := os.Remove(copied); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Link(path, copied); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
