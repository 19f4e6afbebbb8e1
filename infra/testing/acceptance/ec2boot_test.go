package acceptance

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit"
	"escala/infra/build"
	"escala/infra/deploy"
	"escala/infra/deploy/gate"
	"escala/infra/program"
	"escala/infra/targets/local/image"
	"escala/infra/targets/local/podman"
	"escala/infra/workspace"
	"escala/service"
)

// ec2 is the machine's id from its metadata service.
const ec2 = "i-0123456789abcdef0"

// ec2Machine returns the machine of infra/targets/awsec2, except that S3, the
// Parameter Store and the metadata service are on the machine itself, and
// except for values that only AWS can provide.
func ec2Machine() cloudinit.Machine {
	const services, metadata = "http://127.0.0.1:8099", "http://169.254.169.254:8081"
	spec := service.NewSpec()
	spec.Secrets = []string{"DATABASE_URL"}
	m := cloudinit.NewMachine(spec)
	m.Store = cloudinit.S3Store{Bucket: "releases", Region: "eu-central-1", Endpoint: services, Metadata: metadata}
	m.Secrets = cloudinit.ParameterSecrets{Names: spec.Secrets, Path: "/escala/aws-ec2", Region: "eu-central-1", Revision: "1", Endpoint: services}
	m.MetadataOnlyRoot = []string{"169.254.169.254", "fd00:ec2::254"}
	m.Upgrades = false
	return m
}

// TestEC2UserDataBoots checks that a real Debian machine boots with gzipped
// user-data from an EC2 metadata service, through cloud-init's own EC2 data source.
// The machine reads its release and its secret with the role from the metadata.
func TestEC2UserDataBoots(t *testing.T) {
	if testing.Short() {
		t.Skip("boots a machine")
	}
	require.Zero(t, os.Getuid(), "a machine in a container needs root; run this test as root")
	root, err := workspace.Root()
	require.NoError(t, err)
	images := filepath.Join(root, program.StateFolder, "images")
	require.NoError(t, image.Build(t.Context(), images, func(string) {}))

	folder, err := os.MkdirTemp("", "ec2")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(folder)) })
	around := filepath.Join(folder, "aws")
	require.NoError(t, os.CopyFS(around, os.DirFS("testdata/ec2")))
	agent, err := build.AgentTool.For(t.Context(), workspace.Home{Folder: root}, filepath.Join(folder, "state"), build.Platform{OS: "linux", Arch: runtime.GOARCH})
	require.NoError(t, err)
	m := ec2Machine()
	m.Agent = agent.ID
	userData, err := deploy.UserDataLimit{Bytes: 16 << 10, Gzip: true}.UserData(m)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(around, "user-data"), userData, 0o644))
	release, err := build.Service(t.Context(), root, filepath.Join(folder, "state"), build.Platform{OS: "linux", Arch: runtime.GOARCH})
	require.NoError(t, err)
	binary, err := os.ReadFile(release.Path)
	require.NoError(t, err)
	bucket := filepath.Join(around, "bucket")
	require.NoError(t, os.MkdirAll(filepath.Join(bucket, "releases"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(bucket, release.Key()), binary, 0o644))
	require.NoError(t, os.MkdirAll(filepath.Join(bucket, "agents"), 0o755))
	require.NoError(t, os.Link(agent.Path, filepath.Join(bucket, cloudinit.AgentKey(m.Agent))))
	require.NoError(t, os.WriteFile(filepath.Join(bucket, service.PointerKey), []byte(release.Pointer()), 0o644))

	pod := podman.Podman{Folder: filepath.Join(folder, "podman")}
	network, err := pod.EnsureNetwork(t.Context())
	require.NoError(t, err)
	ip, err := pod.FreeIP(t.Context(), network)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		assert.NoError(t, pod.Remove(ctx, "escala-ec2", 5*time.Second))
		assert.NoError(t, pod.RemoveWhenUnused(ctx))
	})
	require.NoError(t, pod.Run(t.Context(), podman.Container{
		Name: "escala-ec2", RootFS: image.RootFS(images, image.Digest()), Network: network.Name, IP: ip, Systemd: true, OpenFiles: 16384,
		// The machine sets its own firewall rules, and the test inspects the
		// workers' processes.
		Capabilities: []string{"NET_ADMIN", "SYS_PTRACE"},
		ReadOnly: map[string]string{
			around:                                  "/srv/aws",
			filepath.Join(around, "aws.service"):    "/etc/systemd/system/aws.service",
			filepath.Join(around, "wanted.conf"):    "/etc/systemd/system/cloud-init.service.d/aws.conf",
			filepath.Join(around, "datasource.cfg"): "/etc/cloud/cloud.cfg.d/95_ec2.cfg",
		},
		Command: []string{"/sbin/init"},
	}))
	on := func(command string) (string, error) {
		return pod.Exec(t.Context(), "escala-ec2", "sh", "-c", command)
	}
	g := gate.Gate{URL: "http://" + ip, HealthPath: m.Spec.HealthPath, Timeout: 2 * time.Minute, Diagnose: func(context.Context) string {
		said, _ := on("cat /var/log/cloud-init-output.log | tail -n 30; journalctl -u aws --no-pager | tail -n 5; " + cloudinit.AgentPath + " diagnose")
		return said
	}}
	require.NoError(t, g.Wait(t.Context(), gate.Want{Release: release.ID, Workers: m.Spec.Workers.Count, Machine: ec2}))

	source, err := on("cloud-init query v1.platform; cat /var/lib/cloud/data/instance-id")
	require.NoError(t, err)
	assert.Equal(t, "ec2\n"+ec2+"\n", source)
	const asService = "setpriv --reuid=escala --regid=escala --clear-groups "
	secret, err := on(asService + `cat /proc/"$(pgrep -u escala -x api | head -n 1)"/environ | tr '\0' '\n' | grep DATABASE_URL`)
	require.NoError(t, err)
	assert.Equal(t, "DATABASE_URL=postgres://it's one\n", secret)
	memory, err := on("stat -f -c %T /run/escala-secrets; grep -rl 'it.s one' /etc/escala /var/lib/cloud || echo nowhere on disk")
	require.NoError(t, err)
	assert.Equal(t, "tmpfs\nnowhere on disk\n", memory)
	_, err = on("curl --silent --fail --max-time 5 http://169.254.169.254:8081/latest/meta-data/instance-id")
	require.NoError(t, err, "root asks the metadata service")
	said, err := on(asService + "curl --silent --fail --max-time 5 http://169.254.169.254:8081/latest/meta-data/instance-id")
	require.Error(t, err, "the service's user was told %q", said)
	failed, err := on("systemctl is-failed escala-metadata.service escala-agent.service supervisor.service nginx.service || true")
	require.NoError(t, err)
	assert.NotContains(t, failed, "failed")
}
