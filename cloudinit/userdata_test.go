package cloudinit

import (
	"bytes"
	"compress/gzip"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"escala/cloudinit/agent/host"
	"escala/service"
)

var update = flag.Bool("update", false, "write the golden files anew")

// machines returns the machines of the golden files.
func machines() map[string]Machine {
	everything := service.NewSpec()
	everything.Name = "chat"
	everything.Port = 4000
	everything.HealthPath = "/healthz"
	everything.Workers.Count = 4
	everything.WebSocket.Rooms = true
	everything.Redis.Mode = service.RedisLocal
	everything.Metrics.Allow = []string{"203.0.113.7", "2001:db8::/48"}
	everything.Env = map[string]string{"GREETING": `it's "100%" $HOME; #1`}
	everything.Lifecycle.Drain = 40 * time.Second
	everything.Lifecycle.Stop = time.Minute
	return map[string]Machine{
		"default":    testMachine(service.NewSpec()),
		"everything": testMachine(everything),
		"ec2":        ec2(),
		"droplet":    droplet(),
		"https":      https(),
		"python":     python(),
	}
}

// python returns a machine for a program without escala's runtime.
func python() Machine {
	spec := anyProgram()
	spec.Folder, spec.Command, spec.Packages = "app", []string{"python3", "app.py"}, []string{"python3-flask"}
	return testMachine(spec)
}

// https returns a machine as on AWS, with all of HTTPS.
func https() Machine {
	m := ec2()
	m.Spec.Host, m.Spec.DNS = "api.example.com", true
	m.Spec.TrustedProxies = []string{"192.0.2.0/24"}
	m.Spec.TLS.Names, m.Spec.TLS.RedirectNames = []string{"example.com", "www.example.com"}, true
	m.Spec.Metrics.Allow = []string{"198.51.100.0/24"}
	m.Spec.TLS.Email, m.Spec.TLS.HSTS = "ops@example.com", 24*time.Hour
	return m
}

// testMachine returns a machine with an agent.
func testMachine(spec service.Spec) Machine {
	m := NewMachine(spec)
	m.Agent = service.ReleaseID(strings.Repeat("a9", 32))
	return m
}

// ec2 returns a machine as on AWS, with a port for each worker.
func ec2() Machine {
	spec := service.NewSpec()
	spec.Workers.Mode = service.WorkersPorts
	spec.Workers.Count = 3
	spec.Workers.Affinity = true
	spec.Workers.MaxFails, spec.Workers.FailTimeout = 2, time.Second
	spec.Lifecycle.Steady = 2 * time.Second
	spec.Secrets = []string{"DATABASE_URL", "SESSION_KEY"}
	m := testMachine(spec)
	m.Store = S3Store{Bucket: "releases", Region: "eu-central-1"}
	m.Secrets = ParameterSecrets{Names: spec.Secrets, Path: "/escala/aws-ec2", Region: "eu-central-1", Revision: "3.1"}
	m.MetadataOnlyRoot = []string{"169.254.169.254", "fd00:ec2::254"}
	m.SessionManager = &SessionManager{Region: "eu-central-1", Arch: "arm64"}
	return m
}

// droplet returns a machine as on DigitalOcean.
func droplet() Machine {
	spec := service.NewSpec()
	spec.Secrets = []string{"DATABASE_URL"}
	m := testMachine(spec)
	m.Store = SpacesStore{Bucket: "releases", Machines: "machines", Region: "fra1", AccessKey: "DO00EXAMPLE", SecretKey: "example"}
	m.Secrets = FileSecrets{Values: map[string]string{"DATABASE_URL": "it's one"}}
	m.MetadataOnlyRoot = []string{"169.254.169.254"}
	return m
}

func TestUserDataIsWhatItWas(t *testing.T) {
	for name, m := range machines() {
		t.Run(name, func(t *testing.T) {
			got := withoutPrograms(t, m)
			golden := filepath.Join("testdata", name+".user-data")
			if *update {
				require.NoError(t, os.WriteFile(golden, got, 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got), "run go test ./cloudinit -update if that is meant")
		})
	}
}

// withoutPrograms returns the machine's user-data without the programs, because
// those are files of this package.
func withoutPrograms(t *testing.T, m Machine) []byte {
	t.Helper()
	data, err := m.UserData()
	require.NoError(t, err)
	var config cloudConfig
	require.NoError(t, yaml.Unmarshal(data, &config))
	for i, f := range config.WriteFiles {
		if strings.HasPrefix(f.Path, programsFolder) {
			config.WriteFiles[i].Content = "(a program)"
		}
	}
	out, err := yaml.Marshal(config)
	require.NoError(t, err)
	return out
}

func TestUserDataIsDeterministic(t *testing.T) {
	first, err := machines()["everything"].UserData()
	require.NoError(t, err)
	for range 20 {
		again, err := machines()["everything"].UserData()
		require.NoError(t, err)
		require.Equal(t, string(first), string(again))
	}
}

// TestUserDataFitsEveryCloud checks the clouds' limits. EC2 accepts 16 KiB of
// user-data, also compressed with gzip. DigitalOcean accepts 64 KiB, uncompressed.
func TestUserDataFitsEveryCloud(t *testing.T) {
	for name, m := range machines() {
		data, err := m.UserData()
		require.NoError(t, err)
		var zipped bytes.Buffer
		w, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
		require.NoError(t, err)
		_, err = w.Write(data)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		t.Logf("%s: %d bytes, %d zipped", name, len(data), zipped.Len())
		assert.Less(t, len(data), 64<<10)
		t.Logf("%s: %d bytes, %d with gzip", name, len(data), zipped.Len())
		assert.Less(t, zipped.Len(), 16<<10)
	}
}

func TestUserDataPassesCloudInitsOwnSchema(t *testing.T) {
	tool(t, "cloud-init", "cloud-init")
	for name, m := range machines() {
		t.Run(name, func(t *testing.T) {
			data, err := m.UserData()
			require.NoError(t, err)
			file := filepath.Join(t.TempDir(), "user-data")
			require.NoError(t, os.WriteFile(file, data, 0o644))
			said, err := exec.CommandContext(t.Context(), "cloud-init", "schema", "--config-file", file).CombinedOutput()
			require.NoError(t, err, "%s", said)
			assert.Contains(t, string(said), "Valid cloud-config")
		})
	}
}

func TestNginxTakesItsConfiguration(t *testing.T) {
	tool(t, "nginx", "nginx")
	nginxFolders(t)
	for name, m := range machines() {
		t.Run(name, func(t *testing.T) {
			m.Root = t.TempDir()
			require.NoError(t, os.MkdirAll(filepath.Join(m.Root, "run"), 0o755))
			require.NoError(t, os.MkdirAll(m.Root+host.UpstreamsRun, 0o755))
			require.NoError(t, os.MkdirAll(filepath.Join(m.Root, programsFolder), 0o755))
			for _, f := range append(m.upstreamsFiles(), m.tlsFiles()...) {
				require.NoError(t, os.WriteFile(m.Root+f.Path, []byte(f.Content), 0o644))
			}
			if m.Spec.HTTPS() {
				require.NoError(t, os.MkdirAll(m.Root+host.CertificatesRun, 0o700))
				require.NoError(t, host.Root(m.Root).SelfSigned())
			}
			conf, err := m.nginx()
			require.NoError(t, err)
			// A test must not need port 80.
			conf = strings.NewReplacer("listen 80 ", "listen 127.0.0.1:18080 ", "listen [::]:80 ", "listen [::1]:18080 ",
				"listen 443 ", "listen 127.0.0.1:18443 ", "listen [::]:443 ", "listen [::1]:18443 ").Replace(conf)
			file := filepath.Join(m.Root, "nginx.conf")
			require.NoError(t, os.WriteFile(file, []byte(conf), 0o644))
			said, err := exec.CommandContext(t.Context(), "nginx", "-t", "-q", "-c", file).CombinedOutput()
			require.NoError(t, err, "%s", said)
			assert.Empty(t, withoutUserWarning(string(said)), "no warning either")
		})
	}
}

// withoutUserWarning removes Nginx's one-line warning about the user directive,
// which appears if the test does not run as root.
func withoutUserWarning(said string) string {
	if os.Getuid() == 0 {
		return said
	}
	return regexp.MustCompile(`(?m)^.*the "user" directive makes sense only if .*\n`).ReplaceAllString(said, "")
}

func TestShellProgramsAreClean(t *testing.T) {
	tool(t, "shellcheck", "shellcheck")
	programs, err := filepath.Glob("machine/*.sh")
	require.NoError(t, err)
	require.NotEmpty(t, programs)
	said, err := exec.CommandContext(t.Context(), "shellcheck", append([]string{"--shell", "sh"}, programs...)...).CombinedOutput()
	require.NoError(t, err, "%s", said)
}

func TestMachineReportsAllThatCannotBeRendered(t *testing.T) {
	spec := service.NewSpec()
	spec.Name = "Not A Name"
	spec.Lifecycle.Stop = 30500 * time.Millisecond
	m := NewMachine(spec)
	m.Poll = 0
	_, err := m.UserData()
	var v service.Violations
	require.ErrorAs(t, err, &v)
	var paths []string
	for _, one := range v {
		paths = append(paths, one.Path)
	}
	assert.ElementsMatch(t, []string{"name", "lifecycle.stop", "poll", "agent"}, paths)
}

func TestINIRefusesWhatWouldBeAnotherLine(t *testing.T) {
	for _, value := range []string{"a\nb", "a\rb", "a ; b", "a\x00b"} {
		_, err := marshalINI([]iniSection{{"s", []iniKey{{"k", value}}}})
		require.Error(t, err, "%q", value)
	}
	got, err := marshalINI([]iniSection{{"s", []iniKey{{"k", iniLiteral("100%")}}}, {"t", nil}})
	require.NoError(t, err)
	assert.Equal(t, "[s]\nk=100%%\n\n[t]\n", got)
}

// TestUserDataWritesEachFileOnce checks that no two files in the parsed user-data
// have the same path.
func TestUserDataWritesEachFileOnce(t *testing.T) {
	data, err := machines()["everything"].UserData()
	require.NoError(t, err)
	var config cloudConfig
	require.NoError(t, yaml.Unmarshal(data, &config))
	seen := map[string]bool{}
	for _, f := range config.WriteFiles {
		assert.False(t, seen[f.Path], f.Path)
		seen[f.Path] = true
		assert.NotEmpty(t, f.Content, f.Path)
	}
}

func TestLogBound(t *testing.T) {
	// The most disk space that all logs take: two slots of 20 MB for each of four
	// workers, supervisord's two files, and the journal, to which Nginx and the
	// agent write.
	spec := service.NewSpec()
	spec.Workers.Count = 4
	assert.Equal(t, 4*2*20+2+200, NewMachine(spec).agentConfig().Slots()*workerLogMB*(1+workerLogBackups)+2+journalMB)
}
