package cloudinit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/sigv4"
	"escala/cloudinit/agent/store/s3test"
)

// bootstrapped is a machine for the bootstrap: a folder as its root, and
// programs that replace apt and systemd and record their calls.
type bootstrapped struct {
	t         *testing.T
	root, log string
	agent     []byte
	settings  map[string]string
	fail      string // the noted program that fails
}

func newBootstrapped(t *testing.T) *bootstrapped {
	b := &bootstrapped{t: t, root: t.TempDir(), agent: bytes.Repeat([]byte("the agent\n"), 50_000)}
	b.log = filepath.Join(b.root, "calls")
	sum := sha256.Sum256(b.agent)
	b.settings = map[string]string{
		"SETUP_PACKAGES": "curl nginx supervisor", "SETUP_UNITS": "nginx.service supervisor.service",
		"AGENT_SHA256": hex.EncodeToString(sum[:]), "STORE_URL": "/srv/escala/releases", "STORE_REGION": s3test.Region, "STORE_KEY": "", "METADATA_URL": "",
	}
	for _, folder := range []string{"usr/sbin", "usr/local/lib/escala", "etc/escala", "etc/tmpfiles.d", "var/lib/escala", "var/lib/dpkg/updates", "bin"} {
		require.NoError(t, os.MkdirAll(filepath.Join(b.root, folder), 0o755))
	}
	// apt-get records whether a package could start its service at that time.
	for name, more := range map[string]string{
		"apt-get":   `[ ! -x "$ESCALA_ROOT/usr/sbin/policy-rc.d" ] || { "$ESCALA_ROOT/usr/sbin/policy-rc.d" || echo "policy $?" >>"$ESCALA_ROOT/calls"; }`,
		"systemctl": "", "systemd-tmpfiles": "", "dpkg": "",
	} {
		script := "#!/bin/sh\n" + `echo "${0##*/} $*" >>"$ESCALA_ROOT/calls"` + "\n" + more + "\n" + `case "${0##*/} $*" in *"$FAIL"*) exit 1 ;; esac` + "\n"
		require.NoError(t, os.WriteFile(filepath.Join(b.root, "bin", name), []byte(script), 0o755))
	}
	return b
}

// run runs the bootstrap and returns what it printed.
func (b *bootstrapped) run() (string, error) {
	b.t.Helper()
	var settings strings.Builder
	for name, value := range b.settings {
		fmt.Fprintf(&settings, "%s=%s\n", name, shellQuote(value))
	}
	require.NoError(b.t, os.WriteFile(filepath.Join(b.root, "etc/escala/bootstrap.conf"), []byte(settings.String()), 0o644))
	require.NoError(b.t, os.RemoveAll(b.log))
	cmd := exec.CommandContext(b.t.Context(), "sh", "machine/bootstrap.sh")
	fail := b.fail
	if fail == "" {
		fail = "no call of this name"
	}
	cmd.Env = append(os.Environ(), "ESCALA_ROOT="+b.root, "FAIL="+fail, "PATH="+filepath.Join(b.root, "bin")+":"+os.Getenv("PATH"))
	said, err := cmd.CombinedOutput()
	return string(said), err
}

func (b *bootstrapped) calls() []string {
	content, err := os.ReadFile(b.log)
	require.NoError(b.t, err)
	return strings.Split(strings.TrimSpace(string(content)), "\n")
}

func (b *bootstrapped) exists(path string) bool {
	_, err := os.Stat(filepath.Join(b.root, path))
	return err == nil
}

// publish writes the agent to the machine's folder store.
func (b *bootstrapped) publish(content []byte) {
	folder := filepath.Join(b.root, "srv/escala/releases/agents")
	require.NoError(b.t, os.MkdirAll(folder, 0o755))
	require.NoError(b.t, os.WriteFile(filepath.Join(folder, b.settings["AGENT_SHA256"]), content, 0o644))
}

const agentFile = "usr/local/lib/escala/escala-agent"

func (b *bootstrapped) requireAgent() {
	b.t.Helper()
	content, err := os.ReadFile(filepath.Join(b.root, agentFile))
	require.NoError(b.t, err)
	require.True(b.t, bytes.Equal(b.agent, content))
	info, err := os.Stat(filepath.Join(b.root, agentFile))
	require.NoError(b.t, err)
	assert.Equal(b.t, os.FileMode(0o755), info.Mode())
}

func TestBootstrap(t *testing.T) {
	b := newBootstrapped(t)
	b.publish(b.agent)
	said, err := b.run()
	require.NoError(t, err, said)
	b.requireAgent()
	conf := filepath.Join(b.root, "etc/escala/apt.conf")
	assert.Equal(t, []string{
		"systemctl enable --no-reload escala-setup.service escala-agent.service",
		"systemd-tmpfiles --create " + filepath.Join(b.root, "etc/tmpfiles.d/escala.conf"),
		"systemctl start --no-block escala-agent.service",
		"apt-get --config-file " + conf + " --option pkgCacheFile::Generate=false update",
		"policy 101",
		"apt-get --config-file " + conf + " install curl nginx supervisor",
		"policy 101",
		"systemctl start --no-block escala-agent.service",
		"systemctl start nginx.service supervisor.service",
	}, b.calls())
	assert.True(t, b.exists("var/lib/escala/set-up"))
	assert.False(t, b.exists("usr/sbin/policy-rc.d"), "services may start again")
}

func TestBootstrapRunsAgainAfterAnyFailure(t *testing.T) {
	for _, fail := range []string{"systemctl enable", "systemd-tmpfiles", "apt-get --config-file", " update", " install", "systemctl start --no-block", "systemctl start nginx"} {
		b := newBootstrapped(t)
		b.publish(b.agent)
		b.fail = fail
		_, err := b.run()
		require.Error(t, err, fail)
		assert.False(t, b.exists("usr/sbin/policy-rc.d"), fail)
		assert.Equal(t, fail == "systemctl start nginx", b.exists("var/lib/escala/set-up"), fail)
		b.fail = ""
		_, err = b.run()
		require.NoError(t, err, fail)
		b.requireAgent()
	}
}

func TestBootstrapEndsWhatACutLeft(t *testing.T) {
	b := newBootstrapped(t)
	b.publish(b.agent)
	require.NoError(t, os.WriteFile(filepath.Join(b.root, "var/lib/dpkg/updates/0000"), nil, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(b.root, agentFile+".part"), []byte("half"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(b.root, agentFile), []byte("another agent"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(b.root, "usr/sbin/policy-rc.d"), []byte("#!/bin/sh\n# escala\nexit 101\n"), 0o755))
	_, err := b.run()
	require.NoError(t, err)
	b.requireAgent()
	assert.Contains(t, b.calls(), "dpkg --configure -a --force-confold")
	assert.False(t, b.exists("usr/sbin/policy-rc.d"))
}

func TestBootstrapLeavesAnothersPolicy(t *testing.T) {
	b := newBootstrapped(t)
	b.publish(b.agent)
	require.NoError(t, os.WriteFile(filepath.Join(b.root, "usr/sbin/policy-rc.d"), []byte("#!/bin/sh\nexit 0\n"), 0o755))
	_, err := b.run()
	require.NoError(t, err)
	assert.True(t, b.exists("usr/sbin/policy-rc.d"))
}

func TestBootstrapRunsNothingThatIsNotTheAgent(t *testing.T) {
	b := newBootstrapped(t)
	for name, content := range map[string][]byte{
		"cut": b.agent[:1000], "longer": append(bytes.Clone(b.agent), 'x'), "empty": {}, "huge": make([]byte, 70<<20),
	} {
		b.publish(content)
		said, err := b.run()
		require.Error(t, err, name)
		assert.Contains(t, said, "comes after the packages", name)
		assert.False(t, b.exists(agentFile), name)
		assert.NotContains(t, b.calls(), "systemctl start --no-block escala-agent.service", name)
		if info, err := os.Stat(filepath.Join(b.root, agentFile+".part")); err == nil {
			assert.LessOrEqual(t, info.Size(), int64(64<<20), name)
		}
	}
}

// bucket starts a real S3 server that has the agent, and returns it with the
// key that may read it.
func (b *bootstrapped) bucket() (*s3test.Server, sigv4.Key) {
	s := s3test.Start(b.t)
	s.MakeBucket("releases")
	key := s.MakeKey("machine")
	s.SetPolicy("releases", s3test.Statement{Key: key, Actions: []string{"s3:GetObject"}, Resources: []string{"agents/*"}})
	s.Do(http.MethodPut, "/releases/agents/"+b.settings["AGENT_SHA256"], b.agent)
	b.settings["STORE_URL"] = s.BucketURL("releases")
	return s, key
}

func (b *bootstrapped) key(key sigv4.Key) {
	b.settings["STORE_KEY"] = "/etc/escala/store-key.json"
	content := fmt.Sprintf("{\n  \"access\": %q,\n  \"secret\": %q\n}\n", key.Access, key.Secret)
	require.NoError(b.t, os.WriteFile(filepath.Join(b.root, "etc/escala/store-key.json"), []byte(content), 0o600))
}

func TestBootstrapFromABucketWithAKey(t *testing.T) {
	b := newBootstrapped(t)
	s, key := b.bucket()
	b.key(sigv4.Key{Access: key.Access, Secret: "wrong"})
	said, err := b.run()
	require.Error(t, err)
	assert.Contains(t, said, "403")
	assert.False(t, b.exists(agentFile))

	b.key(key)
	// curl refuses a truncated answer, and so would the checksum.
	s.Set(s3test.Times(2, s3test.Cut(b.agent, b.agent[:100_000])))
	said, err = b.run()
	require.Error(t, err)
	assert.NotContains(t, said, key.Secret)
	s.Set(s3test.Times(1, s3test.Refuse(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")))
	said, err = b.run()
	require.NoError(t, err, said)
	b.requireAgent()
}

// roleService simulates EC2's metadata service for one role.
func roleService(t *testing.T, key sigv4.Key) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const folder = "/latest/meta-data/iam/security-credentials/"
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token" && r.Header.Get("X-aws-ec2-metadata-token-ttl-seconds") != "":
			io.WriteString(w, "AQAEAtoken==")
		case r.Header.Get("X-aws-ec2-metadata-token") != "AQAEAtoken==":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == folder:
			io.WriteString(w, "the-role")
		case r.URL.Path == folder+"the-role":
			fmt.Fprintf(w, "{\n  \"Code\" : \"Success\",\n  \"Type\" : \"AWS-HMAC\",\n  \"AccessKeyId\" : %q,\n  \"SecretAccessKey\" : %q,\n  \"Token\" : \"IQoJb3Jp+/=\",\n  \"Expiration\" : \"2030-01-01T00:00:00Z\"\n}", key.Access, key.Secret)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestBootstrapFromABucketWithARole(t *testing.T) {
	b := newBootstrapped(t)
	s, key := b.bucket()
	metadata := roleService(t, key)
	b.settings["METADATA_URL"] = metadata.URL
	s.Set(s.Session(key, "IQoJb3Jp+/="))
	said, err := b.run()
	require.NoError(t, err, said)
	b.requireAgent()
	assert.NotContains(t, said, key.Secret)

	metadata.Close()
	require.NoError(t, os.Remove(filepath.Join(b.root, agentFile)))
	_, err = b.run()
	require.Error(t, err)
	assert.False(t, b.exists(agentFile))
}

// TestBootstrapHasNoCredentialsOnACommandLine checks all command lines, which every
// account of a machine can read.
func TestBootstrapHasNoCredentialsOnACommandLine(t *testing.T) {
	b := newBootstrapped(t)
	s, key := b.bucket()
	metadata := roleService(t, key)
	b.settings["METADATA_URL"] = metadata.URL
	s.Set(s.Session(key, "IQoJb3Jp+/="))
	// This curl records its arguments and then runs the real one.
	real, err := exec.LookPath("curl")
	require.NoError(t, err)
	noted := filepath.Join(t.TempDir(), "noted")
	require.NoError(t, os.WriteFile(filepath.Join(b.root, "bin/curl"), []byte("#!/bin/sh\nprintf '%s\\n' \"$@\" >>"+noted+"\nexec "+real+" \"$@\"\n"), 0o755))
	said, err := b.run()
	require.NoError(t, err, said)
	arguments, err := os.ReadFile(noted)
	require.NoError(t, err)
	require.Contains(t, string(arguments), "--aws-sigv4")
	for _, secret := range []string{key.Access, key.Secret, "IQoJb3Jp+/=", "AQAEAtoken=="} {
		assert.NotContains(t, string(arguments), secret)
	}
}

func TestBootstrapIsShort(t *testing.T) {
	content, err := os.ReadFile("machine/bootstrap.sh")
	require.NoError(t, err)
	assert.LessOrEqual(t, bytes.Count(content, []byte("\n")), 80)
}
