package cloudinit

import (
	"bytes"
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

	"escala/service"
)

// placed writes a machine's files into a folder and returns how to run its
// programs.
func placed(t *testing.T, m Machine) (root string, run func(program string, args ...string) (string, error)) {
	t.Helper()
	tool(t, "curl", "curl")
	root = t.TempDir()
	m.Root = root
	files, err := m.files()
	require.NoError(t, err)
	for _, f := range files {
		mode, err := strconv.ParseUint(f.Permissions(), 8, 32)
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(f.Path), 0o755))
		content := strings.ReplaceAll(f.Content, "SERVICE_USER='"+User+"'", "SERVICE_USER=daemon")
		require.NoError(t, os.WriteFile(f.Path, []byte(content), os.FileMode(mode)))
	}
	require.NoError(t, os.MkdirAll(filepath.Join(root, "run"), 0o755))
	return root, func(program string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), filepath.Join(root, programsFolder, program), args...)
		cmd.Env = append(os.Environ(), "ESCALA_ROOT="+root)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
}

// stores are the release stores that are buckets.
func stores(f *fakeAWS) map[string]Store {
	return map[string]Store{
		"S3":     S3Store{Bucket: "b", Region: "eu-central-1", Endpoint: f.URL, Metadata: f.URL},
		"Spaces": SpacesStore{Bucket: "b", Region: "fra1", Endpoint: f.URL, AccessKey: f.id, SecretKey: f.secret},
	}
}

func TestStoresSignWhatTheyAskFor(t *testing.T) {
	for _, name := range []string{"S3", "Spaces"} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAWS(t)
			if name == "Spaces" {
				f.change(func() { f.session = "" })
			}
			m := NewMachine(service.NewSpec())
			m.Store = stores(f)[name]
			_, run := placed(t, m)

			key := "releases/" + strings.Repeat("0a", 32)
			content := string(bytes.Repeat([]byte{0, 1, 2, 0xff, '\n'}, 1<<16))
			f.change(func() { f.objects["/"+key] = content })
			file := filepath.Join(t.TempDir(), "object")
			said, err := run("store", "get", key, file)
			require.NoError(t, err, "%s; refused: %v", said, f.refusals())
			got, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, content, string(got))

			said, err = run("store", "get", "current", file)
			require.Error(t, err, "an object that is not there")
			assert.Contains(t, said, f.URL+"/current: ")
			assert.Contains(t, said, "404")

			f.change(func() { f.secret += "x" })
			if name == "Spaces" {
				said, err = run("store", "get", key, file)
				require.Error(t, err, "a key that is not right")
				assert.Contains(t, said, "403")
			}
			_, err = run("store", "put", key, file)
			require.Error(t, err)

			f.Close()
			said, err = run("store", "get", key, file)
			require.Error(t, err, "nobody there")
			assert.NotEmpty(t, said)
		})
	}
}

// TestCredentialsAreOnNoCommandLine: every account of a machine can read those.
func TestCredentialsAreOnNoCommandLine(t *testing.T) {
	for _, name := range []string{"S3", "Spaces"} {
		f := newFakeAWS(t)
		if name == "Spaces" {
			f.change(func() { f.session = "" })
		}
		m := NewMachine(service.NewSpec())
		m.Store = stores(f)[name]
		root, run := placed(t, m)
		f.change(func() { f.objects["/current"] = "x" })

		// A curl that notes its arguments and becomes the real one.
		real, err := exec.LookPath("curl")
		require.NoError(t, err)
		bin, noted := t.TempDir(), filepath.Join(t.TempDir(), "noted")
		require.NoError(t, os.WriteFile(filepath.Join(bin, "curl"), []byte("#!/bin/sh\nprintf '%s\\n' \"$@\" >>"+noted+"\nexec "+real+" \"$@\"\n"), 0o755))
		t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
		said, err := run("store", "get", "current", filepath.Join(root, "object"))
		require.NoError(t, err, said)
		arguments, err := os.ReadFile(noted)
		require.NoError(t, err)
		require.Contains(t, string(arguments), "--aws-sigv4")
		for _, secret := range []string{f.secret, f.id, "token-0"} {
			assert.NotContains(t, string(arguments), secret, name)
		}
		if f.session != "" {
			assert.NotContains(t, string(arguments), f.session)
		}
	}
}

func TestRoleWithoutCredentialsSaysSo(t *testing.T) {
	f := newFakeAWS(t)
	f.id = ""
	m := NewMachine(service.NewSpec())
	m.Store = stores(f)["S3"]
	_, run := placed(t, m)
	said, err := run("store", "get", "current", filepath.Join(t.TempDir(), "object"))
	require.Error(t, err)
	assert.Contains(t, said, "has no credentials for the role api-machine")
}

// awkward has in it whatever a shell, JSON or a file of assignments could trip
// over.
const awkward = "it's \"so\" $HOME `id` \\ 100% ü\nsecond line\t{\"a\": [1]}"

func secretMachines(f *fakeAWS) map[string]Machine {
	spec := service.NewSpec()
	spec.Secrets = []string{"DATABASE_URL", "AWKWARD"}
	parameters := NewMachine(spec)
	parameters.Store = stores(f)["S3"]
	parameters.Secrets = ParameterSecrets{Names: spec.Secrets, Path: "/escala/production", Region: "eu-central-1", Revision: "1.1", Endpoint: f.URL}
	file := NewMachine(spec)
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

			worker := func() (string, error) {
				// The worker's own program, with a service that prints a secret.
				release := filepath.Join(root, "opt/escala/current")
				require.NoError(t, os.MkdirAll(release, 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(release, "api"), []byte("#!/bin/sh\nprintf %s \"$AWKWARD\"\n"), 0o755))
				return run("worker", "0")
			}
			said, err := worker()
			require.Error(t, err, "a worker does not start without its secrets")
			assert.Contains(t, said, "have not been read yet")

			said, err = run("secrets")
			require.NoError(t, err, "%s; refused: %v", said, f.refusals())
			assert.Empty(t, said, "and none of it is printed")
			for path, mode := range map[string]os.FileMode{"run/escala-secrets": 0o750, "run/escala-secrets/environment": 0o640} {
				info, err := os.Stat(filepath.Join(root, path))
				require.NoError(t, err)
				assert.Equal(t, mode, info.Mode().Perm(), path)
				assert.Equal(t, group.Gid, strconv.Itoa(int(info.Sys().(*syscall.Stat_t).Gid)), path)
			}
			said, err = worker()
			require.NoError(t, err, said)
			assert.Equal(t, awkward, said)
		})
	}
}

// TestSecretsThatCannotBeReadLeaveThoseThatWere: a roll must not take them from
// workers that have to start again.
func TestSecretsThatCannotBeReadLeaveThoseThatWere(t *testing.T) {
	asRoot(t, "only root can give a file to another group")
	f := newFakeAWS(t)
	f.change(func() { f.parameters["/escala/production/DATABASE_URL"] = "postgres://x" })
	f.change(func() { f.parameters["/escala/production/AWKWARD"] = "y" })
	root, run := placed(t, secretMachines(f)["parameters"])
	said, err := run("secrets")
	require.NoError(t, err, said)
	before, err := os.ReadFile(filepath.Join(root, "run/escala-secrets/environment"))
	require.NoError(t, err)

	f.change(func() { delete(f.parameters, "/escala/production/AWKWARD") })
	said, err = run("secrets")
	require.Error(t, err)
	assert.Contains(t, said, "the secret /escala/production/AWKWARD cannot be read")
	after, err := os.ReadFile(filepath.Join(root, "run/escala-secrets/environment"))
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after))
	left, err := filepath.Glob(filepath.Join(root, "run/escala-secrets/*.new"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestSecretsNeedAStore(t *testing.T) {
	spec := service.NewSpec()
	spec.Secrets = []string{"DATABASE_URL"}
	_, err := NewMachine(spec).UserData()
	assert.ErrorContains(t, err, "secrets: this machine has no secret store")
}

// TestUserDataHoldsNoParameter but its name; files that hold a secret are
// root's.
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
