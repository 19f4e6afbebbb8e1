package program

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	pulumiconfig "github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"escala/infra/stackconfig"
	"escala/infra/targets"
	"escala/service"
)

// inWords lists the keys whose default is too long for a table.
var inWords = []string{"eks.redisImage", "doks.redisImage", "kubernetes.redisImage"}

// keys returns all configuration keys with their defaults, in the format of the
// pages.
func keys() map[string]string {
	all := map[string]string{"target": "", "release": "", "secrets": ""}
	gate, err := stackconfig.Load("escala", fake{"escala:target": "local"}, sections())
	if err != nil {
		panic(err)
	}
	collect(all, "gate", reflect.ValueOf(gate.Gate))
	collect(all, "notify", reflect.ValueOf(gate.Notify))
	collect(all, "service", reflect.ValueOf(gate.Service))
	for _, t := range targets.All() {
		collect(all, t.Section(), reflect.ValueOf(t.Settings()).Elem())
	}
	return all
}

func collect(all map[string]string, path string, v reflect.Value) {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		key := field.Tag.Get("config")
		switch {
		case key == "" && field.Anonymous:
			collect(all, path, value)
		case value.Kind() == reflect.Map && value.Type().Elem().Kind() == reflect.Struct:
			entry := reflect.New(value.Type().Elem())
			entry.Interface().(interface{ SetDefaults() }).SetDefaults()
			collect(all, path+"."+key+".<name>", entry.Elem())
		case value.Kind() == reflect.Struct:
			collect(all, path+"."+key, value)
		case key != "":
			all[path+"."+key] = shown(value)
		}
	}
}

// shown formats a default for a table: empty, or code.
func shown(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case time.Duration:
		text := value.String()
		if minutes, whole := strings.CutSuffix(text, "m0s"); whole {
			text = strings.TrimSuffix(minutes+"m", "h0m")
			if text != minutes+"m" {
				text += "h"
			}
		}
		return "`" + text + "`"
	case []string:
		var items []string
		for _, item := range value {
			items = append(items, "`"+item+"`")
		}
		return strings.Join(items, ", ")
	case map[string]string:
		return ""
	}
	if v.Kind() == reflect.String && v.IsZero() {
		return ""
	}
	return fmt.Sprintf("`%v`", v.Interface())
}

var row = regexp.MustCompile("(?m)^\\| `([a-z<][A-Za-z<>.]*)` \\| ([^|]*) ?\\|")

func TestEveryKeyIsInTheTablesWithItsDefault(t *testing.T) {
	want := keys()
	got := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(text(t, "docs/configuration.md"), -1) {
		name, value := m[1], strings.TrimSpace(m[2])
		if rest, every := strings.CutPrefix(name, "<cluster>."); every {
			for _, cluster := range []string{"eks", "doks", "kubernetes"} {
				got[cluster+"."+rest] = value
			}
			continue
		}
		got[name] = value
	}
	for _, key := range inWords {
		require.NotEmpty(t, got[key], key)
		got[key] = want[key]
	}
	assert.Equal(t, want, got)
}

type fake map[string]string

func (f fake) Keys() []string { return slices.Sorted(maps.Keys(f)) }

func (f fake) File() stackconfig.File { return stackconfig.File{} }

func (f fake) Get(key string) (string, bool) {
	v, ok := f[key]
	return v, ok
}

func sections() []stackconfig.Section {
	var all []stackconfig.Section
	for _, t := range targets.All() {
		all = append(all, stackconfig.Section{Target: t.Name(), Key: t.Section(), Settings: t.Settings()})
	}
	return all
}

// commented matches a key inside a comment. Prose does not match.
var commented = regexp.MustCompile(`(?m)^( *)# ( *(escala:)?[A-Za-z]+:( .*)?)$`)

// uncommented returns a stack's file with all keys in comments made active.
func uncommented(t *testing.T, content []byte) map[string]any {
	t.Helper()
	var stack struct{ Config map[string]any }
	require.NoError(t, yaml.Unmarshal(commented.ReplaceAll(content, []byte("$1$2")), &stack), "%s", content)
	return stack.Config
}

// TestCommentsSurviveTheCLI checks `pulumi config set`, which rewrites the
// whole file and indents each comment like the key that it seems to belong to.
// A key that a user then uncomments must still be in the right place, or it is
// ignored without a message.
func TestCommentsSurviveTheCLI(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root(t), "stacks", "Pulumi.*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	sink := diag.DefaultSink(io.Discard, io.Discard, diag.FormatOptions{Color: colors.Never})
	project := &workspace.Project{Name: "escala"}
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		want := uncommented(t, content)
		copied := filepath.Join(t.TempDir(), filepath.Base(file))
		require.NoError(t, os.WriteFile(copied, content, 0o600))
		// The first call adds a salt and keys, the second the rest.
		for _, key := range []string{"one", "two"} {
			stack, err := workspace.LoadProjectStack(sink, project, copied)
			require.NoError(t, err)
			require.NoError(t, stack.Config.Set(pulumiconfig.MustMakeKey("escala", key), pulumiconfig.NewValue("x"), false))
			stack.EncryptionSalt = "v1:salt"
			require.NoError(t, stack.Save(copied))
		}
		saved, err := os.ReadFile(copied)
		require.NoError(t, err)
		got := uncommented(t, saved)
		assert.Contains(t, got, "escala:two", file)
		delete(got, "escala:one")
		delete(got, "escala:two")
		assert.Equal(t, want, got, filepath.Base(file))
	}
}

// TestKeysInTheCommentsOfStackFilesExist checks that a user can uncomment each key
// in a stack's file: no such key is unknown or in the wrong place.
func TestKeysInTheCommentsOfStackFilesExist(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root(t), "stacks", "Pulumi.*.yaml"))
	require.NoError(t, err)
	require.Len(t, files, len(targets.All()))
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		shown := commented.FindAll(b, -1)
		require.NotEmpty(t, shown, file)
		source := fake{}
		for key, value := range uncommented(t, b) {
			if text, plain := value.(string); plain {
				source[key] = text
				continue
			}
			encoded, err := json.Marshal(value)
			require.NoError(t, err)
			source[key] = string(encoded)
		}
		var wrong service.Violations
		_, err = stackconfig.Load("escala", source, sections())
		if err != nil {
			require.ErrorAs(t, err, &wrong, file)
		}
		for _, one := range wrong {
			assert.NotRegexp(t, "is not a key|belongs to another target|is not a (text|whole number|list|mapping of keys|duration)", one.Problem, "%s: %s", filepath.Base(file), one.Path)
		}
	}
}
