package cloudinit

import (
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/host"
	"escala/service"
)

// placed writes a machine's files to a folder. run runs one of its programs.
func placed(t *testing.T, m Machine) (root string, run func(program string, args ...string) (string, error)) {
	t.Helper()
	root = t.TempDir()
	m.Root = root
	files, err := m.files()
	require.NoError(t, err)
	for _, f := range files {
		mode, err := strconv.ParseUint(f.Permissions(), 8, 32)
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(f.Path), 0o755))
		content := strings.ReplaceAll(f.Content, `"user": "`+User+`"`, `"user": "daemon"`)
		require.NoError(t, os.WriteFile(f.Path, []byte(content), os.FileMode(mode)))
	}
	require.NoError(t, os.MkdirAll(filepath.Join(root, "run"), 0o755))
	require.NoError(t, os.Link(agentProgram.get(t), root+AgentPath))
	return root, func(program string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), filepath.Join(root, programsFolder, program), args...)
		cmd.Env = append(os.Environ(), "ESCALA_ROOT="+root)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
}

// awkward contains characters that are special in a shell, in JSON or in a file
// of assignments.
const awkward = "it's \"so\" $HOME `id` \\ 100% ü\nsecond line\t{\"a\": [1]}"

func secretMachines(f *fakeAWS) map[string]Machine {
	spec := service.NewSpec()
	spec.Secrets = []string{"DATABASE_URL", "AWKWARD"}
	parameters := testMachine(spec)
	parameters.Store = S3Store{Bucket: "b", Region: "eu-central-1", Endpoint: f.URL, Metadata: f.URL}
	parameters.Secrets = ParameterSecrets{Names: spec.Secrets, Path: "/escala/production", Region: "eu-central-1", Revision: "1.1", Endpoint: f.URL}
	file := testMachine(spec)
	file.Secrets = FileSecrets{Values: map[string]string{"DATABASE_URL": "postgres://x", "AWKWARD": awkward}}
	return map[string]Machine{"parameters": parameters, "file": file}
}

func TestSecretsReachTheServiceAndNobodyElse(t *testing.T) {
	asRoot(t, "only root can give a file to another group")
	group, err := osuser.LookupGroup("daemon")
	require.NoError(t, err)
	for _, name := range []string{"parameters", "file"} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAWS(t)
			f.change(func() { f.parameters["/escala/production/DATABASE_URL"] = "postgres://x" })
			f.change(func() { f.parameters["/escala/production/AWKWARD"] = awkward })
			root, run := placed(t, secretMachines(f)[name])

			// The worker runs with a service that prints a secret.
			release := filepath.Join(root, "opt/escala/current")
			require.NoError(t, os.MkdirAll(release, 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(release, "api"), []byte("#!/bin/sh\nprintf %s \"$AWKWARD\"\n"), 0o755))
			said, err := run("escala-agent", "worker", "0")
			require.Error(t, err, "a worker does not start without its secrets")
			assert.Contains(t, said, "have not been read yet")

			said, err = run("escala-agent", "once")
			require.NoError(t, err, "%s; refused: %v", said, f.refusals())
			assert.NotContains(t, said, "postgres", "none of it is printed")
			for path, mode := range map[string]os.FileMode{filepath.Dir(host.SecretsFile): 0o750, host.SecretsFile: 0o640} {
				info, err := os.Stat(root + path)
				require.NoError(t, err)
				assert.Equal(t, mode, info.Mode().Perm(), path)
				assert.Equal(t, group.Gid, strconv.Itoa(int(info.Sys().(*syscall.Stat_t).Gid)), path)
			}
			said, err = run("escala-agent", "worker", "0")
			require.NoError(t, err, said)
			assert.Equal(t, awkward, said)
		})
	}
}

// TestSecretsThatCannotBeReadLeaveThoseThatWere checks that a failed read keeps
// the old secrets, because restarted workers need them.
func TestSecretsThatCannotBeReadLeaveThoseThatWere(t *testing.T) {
	asRoot(t, "only root can give a file to another group")
	f := newFakeAWS(t)
	f.change(func() { f.parameters["/escala/production/DATABASE_URL"] = "postgres://x" })
	f.change(func() { f.parameters["/escala/production/AWKWARD"] = "y" })
	root, run := placed(t, secretMachines(f)["parameters"])
	_, err := run("escala-agent", "once")
	require.NoError(t, err)
	before, err := os.ReadFile(root + host.SecretsFile)
	require.NoError(t, err)

	f.change(func() { delete(f.parameters, "/escala/production/AWKWARD") })
	said, err := run("escala-agent", "once")
	require.NoError(t, err)
	assert.Contains(t, said, "using the secrets of an earlier run")
	assert.Contains(t, said, "/escala/production/AWKWARD: missing")
	after, err := os.ReadFile(root + host.SecretsFile)
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after))
	left, err := filepath.Glob(root + host.SecretsFile + ".new")
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestSecretsNeedAStore(t *testing.T) {
	spec := service.NewSpec()
	spec.Secrets = []string{"DATABASE_URL"}
	_, err := NewMachine(spec).UserData()
	assert.ErrorContains(t, err, "secrets: this machine has no secret store")
}

// TestUserDataHoldsNoParameter checks that user-data holds only the names of
// parameters, and that only root can read files with secrets.
func TestUserDataHoldsNoParameter(t *testing.T) {
	f := newFakeAWS(t)
	for name, m := range secretMachines(f) {
		files, err := m.files()
		require.NoError(t, err)
		for _, one := range files {
			if strings.Contains(one.Content, "postgres://x") {
				assert.Equal(t, "file", name)
				assert.Equal(t, "0600", one.Permissions(), one.Path)
			}
		}
	}
}
