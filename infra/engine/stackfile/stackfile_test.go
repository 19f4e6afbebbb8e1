package stackfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "Pulumi.x.yaml")
	_, err := Read(path)
	require.ErrorContains(t, err, "there is no stack of that name: open "+path)
	folder := Folder(t.TempDir())
	require.NoError(t, os.Mkdir(folder, 0o700))
	for _, stack := range []string{"local", "aws-ec2"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, "Pulumi."+stack+".yaml"), nil, 0o600))
	}
	_, err = Read(filepath.Join(folder, "Pulumi.locl.yaml"))
	require.ErrorContains(t, err, "no such file or directory; the stacks are aws-ec2, local")
	require.NoError(t, os.WriteFile(path, []byte("config: [\n"), 0o600))
	_, err = Read(path)
	require.ErrorContains(t, err, "reading "+path)
	require.NoError(t, os.WriteFile(path, []byte("\ufeffencryptionsalt: v1:x:y\nsecretsprovider: passphrase\nbackend: {}\nconfig:\n  escala:target: local\n  escala:local: {port: 1}\n  plain: 2024-06-20\n"), 0o600))
	f, err := Read(path)
	require.NoError(t, err)
	assert.Equal(t, "local", f.String("escala:target"))
	assert.Empty(t, f.String("escala:local"), "it is no text")
	assert.Equal(t, "v1:x:y", f.Salt())
	assert.Equal(t, "passphrase", f.SecretsProvider())
	assert.Equal(t, []string{"backend", "secretsprovider"}, f.OtherKeys())

	values, err := f.Config(&workspace.Project{Name: "escala"})
	require.NoError(t, err)
	assert.Equal(t, config.NewObjectValue(`{"port":1}`), values[config.MustMakeKey("escala", "local")])
	assert.Contains(t, values, config.MustMakeKey("escala", "plain"), "the project is the namespace of a key without one")
}

func TestWithSecrets(t *testing.T) {
	t.Parallel()
	f, err := Parse("x", []byte("encryptionsalt: v1:x:y\nconfig:\n  a:b:\n    c: [{secure: v1:1}, d]\n  a:e: {secure: v1:2}\n  a:f: {secure: v1:3, other: 1}\n"))
	require.NoError(t, err)
	var paths []string
	replaced, err := f.WithSecrets(func(path string) string {
		paths = append(paths, path)
		return "for " + path
	})
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"a:b.c[0]", "a:e"}, paths)
	assert.Empty(t, replaced.Salt())
	values, err := replaced.Config(&workspace.Project{Name: "a"})
	require.NoError(t, err)
	assert.Equal(t, config.NewSecureValue("for a:e"), values[config.MustMakeKey("a", "e")])
	assert.Equal(t, config.NewSecureObjectValue(`{"c":[{"secure":"for a:b.c[0]"},"d"]}`), values[config.MustMakeKey("a", "b")])
}

func TestStacks(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	_, err := Stacks(root)
	require.ErrorContains(t, err, "looking for stacks")
	require.NoError(t, os.Mkdir(Folder(root), 0o755))
	_, err = Stacks(root)
	require.ErrorContains(t, err, "has no file")
	for _, name := range []string{"Pulumi.b.yaml", "Pulumi.a.yaml", "Pulumi.yaml", "README.md", "Pulumi.c.yaml.orig"} {
		require.NoError(t, os.WriteFile(filepath.Join(Folder(root), name), nil, 0o644))
	}
	names, err := Stacks(root)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, names)
	assert.True(t, Exists(root, "a"))
	assert.False(t, Exists(root, "d"))
}
