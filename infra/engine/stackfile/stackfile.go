// Package stackfile reads and edits stacks' configuration files,
// stacks/Pulumi.<stack>.yaml.
package stackfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/encoding"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"go.yaml.in/yaml/v3"
)

// File is a stack's configuration file as it was read.
type File struct {
	// Path is the file's path, for messages.
	Path string

	text   []byte
	values map[string]any
}

// These keys of a stack file are not configuration.
const (
	configKey   = "config"
	saltKey     = "encryptionsalt"
	providerKey = "secretsprovider"
)

// Folder returns the folder of a clone's stack files.
func Folder(root string) string { return filepath.Join(root, "stacks") }

// Path returns the path of a stack's file in a clone.
func Path(root, stack string) string {
	return filepath.Join(Folder(root), "Pulumi."+stack+".yaml")
}

// Stacks returns the names of the stacks that have a file in a clone, sorted.
func Stacks(root string) ([]string, error) {
	entries, err := os.ReadDir(Folder(root))
	if err != nil {
		return nil, fmt.Errorf("looking for stacks: %w", err)
	}
	var names []string
	for _, e := range entries {
		name, is := strings.CutPrefix(e.Name(), "Pulumi.")
		name, yaml := strings.CutSuffix(name, ".yaml")
		if is && yaml && name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, errors.New("stacks/ has no file Pulumi.<stack>.yaml")
	}
	slices.Sort(names)
	return names, nil
}

// Exists reports whether a stack has a file in a clone.
func Exists(root, stack string) bool {
	_, err := os.Stat(Path(root, stack))
	return err == nil
}

// Read reads a stack's file.
func Read(path string) (*File, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no stack of that name: %w%s", err, otherStacks(path))
	}
	if err != nil {
		return nil, fmt.Errorf("reading the stack's configuration: %w", err)
	}
	return Parse(path, text)
}

// otherStacks returns a text with the other stacks of the folder, for the message about a
// file that does not exist.
func otherStacks(path string) string {
	names, err := Stacks(filepath.Dir(filepath.Dir(path)))
	if err != nil {
		return ""
	}
	return "; the stacks are " + strings.Join(names, ", ")
}

// Parse reads a stack's file from memory. path is for messages.
func Parse(path string, text []byte) (*File, error) {
	f := &File{Path: path, text: bytes.TrimPrefix(text, byteOrderMark)}
	if err := yaml.Unmarshal(f.text, &f.values); err != nil {
		n := faultyLine(f.text)
		reason := yamlLine.ReplaceAllString(err.Error(), "")
		if strings.Contains(reason, "did not find expected key") {
			reason = "this is not YAML here: keys that belong together begin in the same column, and values with special characters need quotes"
		}
		return nil, fmt.Errorf("reading %s: line %d: %s\n  %d | %s", path, n, reason, n, line(f.text, n))
	}
	return f, nil
}

// yamlLine matches the text that the library puts before a reason. Its line is often
// that of the key around the error, or the one before.
var yamlLine = regexp.MustCompile(`^yaml: (unmarshal errors:\s+)?(line [0-9]+: )?`)

// faultyLine returns the number of the first line at which a text is not valid YAML.
func faultyLine(text []byte) int {
	lines := bytes.SplitAfter(text, []byte("\n"))
	for n := len(lines) - 1; n > 0; n-- {
		var values map[string]any
		if yaml.Unmarshal(bytes.Join(lines[:n], nil), &values) == nil {
			return n + 1
		}
	}
	return 1
}

// line returns a line of a text without its end.
func line(text []byte, n int) []byte {
	lines := bytes.Split(text, []byte("\n"))
	return bytes.TrimRight(lines[min(n, len(lines))-1], "\r")
}

// New returns a file with this configuration. The keys have their namespaces.
func New(path string, configuration map[string]any) (*File, error) {
	text, err := yaml.Marshal(map[string]any{configKey: configuration})
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", path, err)
	}
	return Parse(path, text)
}

// byteOrderMark is the mark that some editors put before UTF-8.
var byteOrderMark = []byte("\ufeff")

// Config returns the configuration in the form of Pulumi's engine.
func (f *File) Config(project *workspace.Project) (config.Map, error) {
	stack, err := workspace.LoadProjectStackBytes(nil, project, f.text, f.Path, encoding.YAML)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", f.Path, err)
	}
	return stack.Config, nil
}

// String returns a configuration value that is a text, otherwise "".
func (f *File) String(key string) string {
	values, _ := f.values[configKey].(map[string]any)
	text, _ := values[key].(string)
	return text
}

// Salt returns the salt of the file's encrypted values, with a text that only
// the right passphrase decrypts; "" without one.
func (f *File) Salt() string {
	text, _ := f.values[saltKey].(string)
	return text
}

// SecretsProvider returns the kind of the file's encryption, "" for a
// passphrase.
func (f *File) SecretsProvider() string {
	text, _ := f.values[providerKey].(string)
	return text
}

// OtherKeys returns the file's top-level keys other than the configuration and its
// salt, sorted.
func (f *File) OtherKeys() []string {
	var keys []string
	for key := range f.values {
		if key != configKey && key != saltKey {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// WithSecrets returns the file with new encrypted values: those that replace
// returns for their key paths, such as "escala:secrets.DATABASE_URL".
func (f *File) WithSecrets(replace func(path string) string) (*File, error) {
	values, _ := f.values[configKey].(map[string]any)
	replaced := make(map[string]any, len(values))
	for key, value := range values {
		replaced[key] = withSecrets(key, value, replace)
	}
	return New(f.Path, replaced)
}

func withSecrets(path string, value any, replace func(path string) string) any {
	switch v := value.(type) {
	case map[string]any:
		if _, secure := v["secure"]; secure && len(v) == 1 {
			return map[string]any{"secure": replace(path)}
		}
		replaced := make(map[string]any, len(v))
		for key, one := range v {
			replaced[key] = withSecrets(path+"."+key, one, replace)
		}
		return replaced
	case []any:
		replaced := make([]any, len(v))
		for i, one := range v {
			replaced[i] = withSecrets(fmt.Sprintf("%s[%d]", path, i), one, replace)
		}
		return replaced
	default:
		return value
	}
}
