package https

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/host"
	"escala/service"
)

func TestTwoMachinesAtOnceOrderOnce(t *testing.T) {
	t.Parallel()
	s := newStack(t, time.Hour)
	one, two := newBox(t, "one", s.machine(spec(name)), s.shared), newBox(t, "two", s.machine(spec(name)), s.shared)
	s.pointTo(one)
	for _, b := range []*box{one, two} {
		b.startNginx()
		b.startAgent()
	}
	first, second := s.certified(one, name), s.certified(two, name)
	assert.Equal(t, first, second)
	assert.Equal(t, 1, s.authority.Orders())
}

func TestCorruptedCertificateIsReplaced(t *testing.T) {
	t.Parallel()
	s := newStack(t, time.Hour)
	one := s.startLeading("one", spec(name))
	before := s.certified(one, name)
	objects, err := filepath.Glob(filepath.Join(s.shared, "certificates", "*", "certificate"))
	require.NoError(t, err)
	require.Len(t, objects, 1)
	var good []byte
	eventually(t, 10*time.Second, func() (err error) {
		good, err = os.ReadFile(objects[0])
		return err
	})

	// The file on the disk is corrupted. The store has a good copy.
	one.stopAgent()
	one.stopNginx()
	file := one.root + host.CertificatesFolder + "/" + name + ".pem"
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, bytes.ReplaceAll(content, []byte("M"), []byte("!")), 0o600))
	one.startNginx()
	one.startAgent()
	assert.Equal(t, before, s.certified(one, name))
	assert.Equal(t, 1, s.authority.Orders())

	// The object in the store is corrupted. The machine with the certificate writes
	// it again.
	require.NoError(t, os.WriteFile(objects[0], append(good[:len(good)-1:len(good)-1], good[len(good)-1]^1), 0o644))
	one.stopAgent()
	one.startAgent()
	eventually(t, 20*time.Second, func() error {
		if now, err := os.ReadFile(objects[0]); err != nil || len(now) != len(good) || bytes.Equal(now[:12], good[:12]) {
			return errors.Join(errors.New("it is not written again"), err)
		}
		return nil
	})
	// A machine that cannot read the store's object orders another certificate.
	require.NoError(t, os.WriteFile(objects[0], []byte("broken"), 0o644))
	two := s.start("two", spec(name))
	s.pointTo(two)
	assert.NotEqual(t, before, s.certified(two, name))
	assert.Equal(t, 2, s.authority.Orders())
}

func TestFullDiskServes(t *testing.T) {
	t.Parallel()
	s := newStack(t, time.Hour)
	b := newBox(t, "one", s.machine(spec(name)), s.shared)
	s.pointTo(b)
	// A file has the folder's path, so no file can be written below it.
	b.write(host.CertificatesFolder, "")
	b.startNginx()
	b.startAgent()
	before := s.certified(b, name)
	eventually(t, 20*time.Second, func() error {
		if c, err := b.status(); err != nil || !strings.Contains(c.Error, "on the disk") || len(c.Names) != 1 {
			return fmt.Errorf("%+v %w", c, err)
		}
		return nil
	})
	// After a restart, the machine reads the certificate from the store.
	b.stopAgent()
	b.stopNginx()
	b.startNginx()
	b.startAgent()
	assert.Equal(t, before, s.certified(b, name))
	assert.Equal(t, 1, s.authority.Orders())
}

// TestStoreThatTakesNothing checks that a certificate is renewed although the store
// accepts no writes.
func TestStoreThatTakesNothing(t *testing.T) {
	t.Parallel()
	s := newStack(t, 30*time.Second)
	b := s.startLeading("one", spec(name))
	before := s.certified(b, name)
	// The folder is no longer mounted.
	require.NoError(t, os.Rename(s.shared, s.shared+"-gone"))
	t.Cleanup(func() { _ = os.RemoveAll(s.shared + "-gone") })
	eventually(t, 60*time.Second, func() error {
		now, err := serial(b.https, name, s.trusting())
		if err == nil && now == before {
			err = errors.New("it is not renewed")
		}
		return err
	})
	c, err := b.status()
	require.NoError(t, err)
	assert.Contains(t, c.Error, "store")
}

func TestAuthorityIsDownAtBoot(t *testing.T) {
	t.Parallel()
	s := newStack(t, time.Hour)
	s.down(true)
	b := s.startLeading("one", spec(name))
	eventually(t, 20*time.Second, func() error {
		if c, err := b.status(); err != nil || !strings.Contains(c.Error, "the authority 127.0.0.1 fails") || c.Next == 0 {
			return fmt.Errorf("%+v %w", c, err)
		}
		return nil
	})
	resp, _ := get(t, b.http, nil, "http://"+name+"/")
	assert.Equal(t, 200, resp.StatusCode, "plain HTTP serves meanwhile")
	s.down(false)
	s.certified(b, name)
}

// TestNginxKeepsWhatServes checks that a refused certificate does not change the
// one that Nginx serves, and that the successor of a killed worker has the newest
// certificate.
func TestNginxKeepsWhatServes(t *testing.T) {
	t.Parallel()
	s := newStack(t, time.Hour)
	b := s.startLeading("one", spec(name))
	before := s.certified(b, name)
	b.stopAgent()
	client := b.socketClient()
	for _, bad := range []string{"", "garbage", "# 0123\n", "# 0123\n-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"} {
		request, err := http.NewRequest(http.MethodPut, "http://nginx/certificate/"+name, strings.NewReader(bad))
		require.NoError(t, err)
		resp, err := client.Do(request)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, 400, resp.StatusCode, "%q", bad)
	}
	now, err := serial(b.https, name, s.trusting())
	require.NoError(t, err)
	assert.Equal(t, before, now)

	// Nginx started without a certificate, so its master process has none to pass
	// on.
	for _, pid := range children(t, b.nginx.Process.Pid) {
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	assert.Equal(t, before, s.certified(b, name))
	// A killed master process leaves its socket behind.
	require.NoError(t, b.nginx.Process.Kill())
	_ = b.nginx.Wait()
	for _, pid := range workers(t, b.root) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	b.startNginx()
	now, err = serial(b.https, name, s.trusting())
	require.NoError(t, err)
	assert.Equal(t, before, now, "Nginx reads the disk without the agent")
}

func TestOtherNamesGetTheHostsCertificate(t *testing.T) {
	t.Parallel()
	s := newStack(t, time.Hour)
	b := s.startLeading("one", spec(name))
	want := s.certified(b, name)
	for _, other := range []string{"", "other.escala.test", "192.0.2.1"} {
		got, err := serial(b.https, other, &tls.Config{InsecureSkipVerify: true})
		require.NoError(t, err)
		assert.Equal(t, want, got, other)
	}
	_, err := serial(b.https, "other.escala.test", s.trusting())
	require.ErrorContains(t, err, "other.escala.test")
	config := s.trusting()
	config.ServerName = name
	_, body := get(t, b.https, config, "https://other.escala.test/")
	assert.Equal(t, "other.escala.test https HTTP/1.1", body)
}

func TestNamesAreRedirectedToTheHost(t *testing.T) {
	t.Parallel()
	s := newStack(t, time.Hour)
	d := spec(name)
	d.TLS.Names, d.TLS.RedirectNames = []string{"www.escala.test"}, true
	m := s.machine(d)
	m.TLS.Port = 8443
	b := newBox(t, "one", m, s.shared)
	s.pointTo(b)
	b.startNginx()
	b.startAgent()
	s.certified(b, "www.escala.test")
	for _, url := range []string{"https://www.escala.test/a", "http://www.escala.test/a", "http://" + name + "/a"} {
		address := b.http
		if strings.HasPrefix(url, "https") {
			address = b.https
		}
		resp, _ := get(t, address, s.trusting(), url)
		assert.Equal(t, "308 https://"+name+":8443/a", fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Location")), url)
	}
}

func TestCertificateForAnAddress(t *testing.T) {
	t.Parallel()
	s := newStack(t, time.Hour)
	d := spec("")
	d.TLS.Mode = service.TLSIP
	m := s.machine(d)
	m.TLS.Address = "127.0.0.1"
	b := newBox(t, "one", m, s.shared)
	s.pointTo(b)
	b.startNginx()
	b.startAgent()
	s.certified(b, "127.0.0.1")
	_, body := get(t, b.https, s.trusting(), "https://127.0.0.1/")
	assert.Equal(t, "127.0.0.1 https HTTP/1.1", body)
}

func TestNginxTakesTheLongestNames(t *testing.T) {
	t.Parallel()
	s := newStack(t, time.Hour)
	d := spec(strings.Repeat(strings.Repeat("a", 61)+".", 4) + "test")
	for i := range service.MaxTLSNames {
		d.TLS.Names = append(d.TLS.Names, strconv.Itoa(i+10)+d.Host[2:])
	}
	newBox(t, "one", s.machine(d), s.shared).startNginx()
}

func TestAgentStaysSmall(t *testing.T) {
	t.Parallel()
	s := newStack(t, time.Hour)
	b := s.startLeading("one", spec(name))
	s.certified(b, name)
	time.Sleep(10 * time.Second) // after this time an idle agent has closed its connections
	status, err := os.ReadFile("/proc/" + strconv.Itoa(b.agent.Process.Pid) + "/status")
	require.NoError(t, err)
	rss := 0
	for line := range strings.Lines(string(status)) {
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &rss); err == nil {
			break
		}
	}
	info, err := os.Stat(agentBinary(t))
	require.NoError(t, err)
	t.Logf("the agent has %.1f MB and %.1f MiB of memory", float64(info.Size())/1e6, float64(rss)/1024)
	assert.Less(t, info.Size(), int64(15e6))
	assert.Less(t, rss, 24<<10)
}

// children returns the processes of a parent.
func children(t *testing.T, parent int) []int {
	t.Helper()
	out, err := exec.Command("pgrep", "--parent", strconv.Itoa(parent)).Output()
	require.NoError(t, err)
	return numbers(out)
}

// workers returns the processes of Nginx whose log is below root.
func workers(t *testing.T, root string) []int {
	t.Helper()
	var found []int
	links, err := filepath.Glob("/proc/[0-9]*/fd/2")
	require.NoError(t, err)
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && strings.HasPrefix(to, root+"/var/log/nginx.log") {
			pid, err := strconv.Atoi(strings.Split(link, "/")[2])
			require.NoError(t, err)
			found = append(found, pid)
		}
	}
	return found
}

func numbers(out []byte) []int {
	var all []int
	for field := range strings.FieldsSeq(string(out)) {
		if n, err := strconv.Atoi(field); err == nil {
			all = append(all, n)
		}
	}
	return all
}
