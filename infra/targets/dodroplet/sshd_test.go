package dodroplet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"escala/cloudinit/agent/store"
	"escala/infra/operate"
	details "escala/service/machine"
)

// droplet is OpenSSH's real server on this computer's loopback, in the place of a
// Droplet, with a store in which the machine has written its details.
type droplet struct {
	folder string
	m      operate.Machines
}

const dropletID, loopback = "42", "127.0.0.1"

// sshServer starts the server. ssh, in the tests' PATH, is the real one with the port
// and the key that an operator has in a configuration of ssh.
func sshServer(t *testing.T) *droplet {
	t.Helper()
	sshd, err := exec.LookPath("/usr/sbin/sshd")
	if err != nil || os.Getuid() != 0 {
		t.Skip("needs root and OpenSSH's server")
	}
	d := &droplet{folder: t.TempDir()}
	for _, key := range []string{"host", "other-host", "operator", "stranger"} {
		command(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", d.path(key))
	}
	require.NoError(t, os.MkdirAll("/run/sshd", 0o755)) // systemd makes it for Debian's service
	listener, err := net.Listen("tcp", loopback+":0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	d.write(t, "sshd_config", "ListenAddress "+loopback, "Port "+port, "HostKey "+d.path("host"), "AuthorizedKeysFile "+d.path("operator.pub"),
		"PermitRootLogin prohibit-password", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "StrictModes no", "UsePAM no", "PidFile none")
	server := exec.Command(sshd, "-D", "-e", "-f", d.path("sshd_config"))
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", loopback+":"+port)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, 20*time.Second, 20*time.Millisecond)

	d.client(t, port, "operator")
	require.NoError(t, os.Mkdir(d.path("store"), 0o700))
	d.m = operate.Machines{Objects: store.Folder(d.path("store"))}
	d.details(t, details.Details{Machine: dropletID, SSHHostKeys: []string{d.public(t, "host")}})
	return d
}

func (d *droplet) path(name string) string { return filepath.Join(d.folder, name) }

func (d *droplet) write(t *testing.T, name string, lines ...string) {
	t.Helper()
	require.NoError(t, os.WriteFile(d.path(name), []byte(strings.Join(lines, "\n")+"\n"), 0o700))
}

// client makes the operator's ssh, which has a port and a key.
func (d *droplet) client(t *testing.T, port, key string, options ...string) {
	t.Helper()
	ssh, err := exec.LookPath("/usr/bin/ssh")
	require.NoError(t, err)
	d.write(t, "ssh_config", "Port "+port, "IdentityFile "+d.path(key), "IdentitiesOnly yes",
		// What the options must prevail over.
		"ForwardAgent yes", "StrictHostKeyChecking no", "UserKnownHostsFile "+d.path("known_hosts"))
	require.NoError(t, os.MkdirAll(d.path("bin"), 0o700))
	d.write(t, "bin/ssh", "#!/bin/sh", `exec `+ssh+` -F "`+d.path("ssh_config")+`" `+strings.Join(options, " ")+` "$@"`)
	t.Setenv("PATH", d.path("bin")+":"+os.Getenv("PATH"))
}

func (d *droplet) public(t *testing.T, key string) string {
	t.Helper()
	content, err := os.ReadFile(d.path(key + ".pub"))
	require.NoError(t, err)
	fields := strings.Fields(string(content))
	return fields[0] + " " + fields[1]
}

func (d *droplet) details(t *testing.T, written details.Details) {
	t.Helper()
	content, err := json.Marshal(written)
	require.NoError(t, err)
	require.NoError(t, d.m.Objects.Put(t.Context(), store.MachineKey(dropletID, details.DetailsName), content))
}

// exec runs a command, and returns its output, its errors and its exit status.
func (d *droplet) exec(t *testing.T, words ...string) (string, string, int) {
	t.Helper()
	var out, failed bytes.Buffer
	in, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer in.Close()
	err = login(t.Context(), d.m, dropletID, loopback, operate.ExecRequest{Command: words, In: in, Out: &out, Err: &failed})
	return out.String(), failed.String(), status(t, err)
}

func status(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	ended := new(operate.ExitError)
	require.ErrorAs(t, err, &ended)
	return ended.Status
}

func command(t *testing.T, words ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), words[0], words[1:]...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// TestExecThroughARealServer runs commands through OpenSSH's own client and server.
func TestExecThroughARealServer(t *testing.T) {
	d := sshServer(t)
	words := []string{"a b", "", "it's", `"quoted"`, "$HOME", "`id`", "a;b|c&d", "*", "~", "--", "ä\n", "\x1b[31mred"}
	out, failed, ended := d.exec(t, append([]string{"printf", `%s\0`}, words...)...)
	assert.Zero(t, ended, failed)
	assert.Equal(t, strings.Join(words, "\x00")+"\x00", out, "the machine's shell changes no word, and ssh no byte")

	out, failed, ended = d.exec(t, "sh", "-c", "echo said; echo failed >&2; exit 7")
	assert.Equal(t, "said\n", out)
	assert.Equal(t, "failed\n", failed)
	assert.Equal(t, 7, ended)

	out, _, ended = d.exec(t, "sh", "-c", "[ -t 0 ] || echo no terminal; echo agent:$SSH_AUTH_SOCK")
	assert.Zero(t, ended)
	assert.Equal(t, "no terminal\nagent:\n", out)

	left, err := filepath.Glob(filepath.Join(os.TempDir(), "escala-known-hosts-*"))
	require.NoError(t, err)
	assert.Empty(t, left)
	assert.NoFileExists(t, d.path("known_hosts"), "the operator's own known hosts stay as they are")
}

// TestExecHasATerminal types into a shell on the machine, by a terminal of this
// computer.
func TestExecHasATerminal(t *testing.T) {
	d := sshServer(t)
	screen, keyboard := terminal(t)
	ended := make(chan error, 1)
	go func() {
		ended <- login(t.Context(), d.m, dropletID, loopback, operate.ExecRequest{
			Command: []string{"sh", "-c", "[ -t 0 ] && echo has-a-terminal; exec sleep 60"}, In: keyboard, Out: keyboard, Err: keyboard, Terminal: true,
		})
	}()
	var shown strings.Builder
	buffer := make([]byte, 1024)
	for !strings.Contains(shown.String(), "has-a-terminal") {
		n, err := screen.Read(buffer)
		require.NoError(t, err, shown.String())
		shown.Write(buffer[:n])
	}
	_, err := io.WriteString(screen, "\x03") // Ctrl-C
	require.NoError(t, err)
	select {
	case err := <-ended:
		// The server reports the signal, for which ssh has no other status.
		assert.Equal(t, sshFailed, status(t, err))
	case <-time.After(20 * time.Second):
		t.Fatal("Ctrl-C does not reach the command on the machine")
	}
}

// terminal opens a pseudoterminal (pts(4)): what a person sees and types on, and what
// a program has.
func terminal(t *testing.T) (*os.File, *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { screen.Close() })
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0))
	keyboard, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { keyboard.Close() })
	return screen, keyboard
}

// TestExecRefusesAnotherHost checks that nothing is sent to a server with another key
// than the machine's, whatever the operator's own configuration of ssh allows.
func TestExecRefusesAnotherHost(t *testing.T) {
	d := sshServer(t)
	ran := d.path("ran")
	refused := func(why string) {
		t.Helper()
		_, failed, ended := d.exec(t, "touch", ran)
		assert.Equal(t, sshFailed, ended)
		assert.Contains(t, failed, why)
		assert.NoFileExists(t, ran)
	}
	other := d.public(t, "other-host")
	d.details(t, details.Details{Machine: dropletID, SSHHostKeys: []string{other}})
	refused("Host key verification failed.")

	// The operator's own known hosts, which have the server's key, do not count.
	d.write(t, "known_hosts", "droplet-"+dropletID+" "+d.public(t, "host"), loopback+" "+d.public(t, "host"))
	refused("REMOTE HOST IDENTIFICATION HAS CHANGED")
	require.NoError(t, os.Remove(d.path("known_hosts")))

	for reason, written := range map[string]details.Details{
		"the machine has not written its SSH host keys": {Machine: dropletID},
		`is of machine "43"`:                            {Machine: "43", SSHHostKeys: []string{d.public(t, "host")}},
		"is not an SSH host key":                        {Machine: dropletID, SSHHostKeys: []string{"@cert-authority * " + d.public(t, "host")}},
	} {
		d.details(t, written)
		refused(reason)
		refused("Host key verification failed.")
	}
	// Such a machine is the operator's to recognize.
	d.write(t, "known_hosts", "droplet-"+dropletID+" "+d.public(t, "host"))
	_, failed, ended := d.exec(t, "touch", ran)
	assert.Zero(t, ended, failed)
	assert.FileExists(t, ran)
}

func TestExecSaysWhatSSHCannot(t *testing.T) {
	d := sshServer(t)
	config, err := os.ReadFile(d.path("ssh_config"))
	require.NoError(t, err)
	port := strings.Fields(string(config))[1]

	d.client(t, port, "stranger")
	_, failed, ended := d.exec(t, "true")
	assert.Equal(t, sshFailed, ended)
	assert.Contains(t, failed, "Permission denied (publickey)")
	assert.Contains(t, failed, "digitalocean.sshKeys")

	// A port that takes connections and says nothing. The operator's ssh waits for
	// less than the options' 10 s.
	silent, err := net.Listen("tcp", loopback+":0")
	require.NoError(t, err)
	defer silent.Close()
	_, port, err = net.SplitHostPort(silent.Addr().String())
	require.NoError(t, err)
	d.client(t, port, "operator", "-o ConnectTimeout=1")
	began := time.Now()
	_, failed, ended = d.exec(t, "true")
	assert.Equal(t, sshFailed, ended)
	assert.Contains(t, failed, "timed out")
	assert.Contains(t, failed, "digitalocean.sshFrom")
	assert.Less(t, time.Since(began), time.Minute)
	assert.Contains(t, sshOptions, "ConnectTimeout=10")
}
