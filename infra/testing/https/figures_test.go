package https

import (
	"bufio"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/host"
)

var (
	figures = flag.Duration("figures", 0, "measure for that long per server and round, and print docs/https.md's figures")
	caddy   = flag.String("caddy", "caddy", "Caddy's program, for -figures")
)

// server is a server under measurement.
type server struct {
	name    string
	address string
	process int // the server's parent process
	work    map[string][]figure
}

// figure is the result of one round: the number of steps, the duration, and the
// server's CPU time in seconds.
type figure struct {
	done    int64
	took    time.Duration
	seconds float64
}

// TestFigures compares a machine with the same Nginx and a static certificate, with
// plain HTTP, and with Caddy. The rounds alternate, so that other load of the
// computer affects all of them.
func TestFigures(t *testing.T) {
	if *figures == 0 {
		t.Skip("-figures 2s measures")
	}
	s := newStack(t, time.Hour)
	b := s.startLeading("one", spec(name))
	s.certified(b, name)
	time.Sleep(6 * time.Second)
	servers := []*server{
		{name: "machine", address: b.https, process: b.nginx.Process.Pid},
		static(t, b),
	}
	if c := startCaddy(t, b); c != nil {
		servers = append(servers, c)
	}
	plain := &server{name: "plain", address: b.http, process: b.nginx.Process.Pid}
	config := s.trusting()
	config.ServerName = name
	for round := range 9 {
		order := slices.Clone(servers)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, one := range order {
			one.measure("full handshakes, TLS 1.3", func() error { return once(one.address, config, nil) })
			cache := tls.NewLRUClientSessionCache(4)
			one.measure("resumed handshakes, TLS 1.3", func() error { return once(one.address, config, cache) })
			one.requests(t, "requests, keep-alive", config)
		}
		plain.requests(t, "requests, keep-alive", nil)
	}
	for _, what := range []string{"full handshakes, TLS 1.3", "resumed handshakes, TLS 1.3", "requests, keep-alive"} {
		for _, one := range append(servers, plain) {
			if len(one.work[what]) > 0 {
				rate, cost := one.median(what)
				t.Logf("%-28s %-8s %7.0f/s %7.1f µs of CPU each, %.2f and %.2f of static's", what, one.name, rate, cost,
					ratio(one.work[what], servers[1].work[what], figure.rate), ratio(one.work[what], servers[1].work[what], figure.cost))
			}
		}
	}
}

// measure repeats a step on two connections at a time.
func (s *server) measure(what string, step func() error) {
	_ = step() // fills the session cache
	var done atomic.Int64
	before, began := cpu(s.process), time.Now()
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for time.Since(began) < *figures {
				if step() == nil {
					done.Add(1)
				}
			}
		})
	}
	all.Wait()
	s.add(what, figure{done.Load(), time.Since(began), cpu(s.process) - before})
}

func (s *server) add(what string, f figure) {
	if s.work == nil {
		s.work = map[string][]figure{}
	}
	s.work[what] = append(s.work[what], f)
}

// requests sends GETs over kept connections, by HTTP/1.1.
func (s *server) requests(t *testing.T, what string, config *tls.Config) {
	t.Helper()
	hostName := name
	if config == nil {
		hostName = "plain.test" // plain HTTP for the host would be redirected
	}
	if config != nil {
		config = config.Clone()
		config.NextProtos = []string{"http/1.1"}
	}
	var clients []net.Conn
	for range 8 {
		c, err := net.Dial("tcp", s.address)
		require.NoError(t, err)
		if config != nil {
			c = tls.Client(c, config)
		}
		clients = append(clients, c)
		defer c.Close()
	}
	var next, done atomic.Int64
	before, began := cpu(s.process), time.Now()
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			c := clients[next.Add(1)-1]
			answers := bufio.NewReader(c)
			for time.Since(began) < *figures {
				if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+hostName+"\r\n\r\n"); err != nil {
					return
				}
				answer, err := http.ReadResponse(answers, nil)
				if err != nil {
					return
				}
				_, err = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
				if err != nil || answer.StatusCode != http.StatusOK {
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	s.add(what, figure{done.Load(), time.Since(began), cpu(s.process) - before})
}

// rate returns the number of steps per second, cost the CPU time of each in
// microseconds.
func (f figure) rate() float64 { return float64(f.done) / f.took.Seconds() }
func (f figure) cost() float64 { return 1e6 * f.seconds / float64(f.done) }

func (s *server) median(what string) (rate, cost float64) {
	var rates, costs []float64
	for _, f := range s.work[what] {
		rates, costs = append(rates, f.rate()), append(costs, f.cost())
	}
	return middle(rates), middle(costs)
}

// ratio returns the median of the rounds' ratios.
func ratio(mine, others []figure, of func(figure) float64) float64 {
	var all []float64
	for i := range mine {
		all = append(all, of(mine[i])/of(others[i]))
	}
	return middle(all)
}

func middle(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

var errNotResumed = errors.New("the session was not resumed")

// once makes one handshake and closes the connection. With a cache, it reads until
// it has received the session ticket.
func once(address string, config *tls.Config, cache tls.ClientSessionCache) error {
	config = config.Clone()
	config.MinVersion, config.ClientSessionCache, config.NextProtos = tls.VersionTLS13, cache, []string{"http/1.1"}
	c, err := tls.Dial("tcp", address, config)
	if err != nil {
		return err
	}
	defer c.Close()
	if cache == nil {
		return nil
	}
	resumed := c.ConnectionState().DidResume
	if _, err := io.WriteString(c, "HEAD / HTTP/1.1\r\nHost: "+name+"\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, c)
	if !resumed {
		return errNotResumed
	}
	return nil
}

// cpu returns the CPU time of a process and its children, in seconds.
func cpu(process int) float64 {
	ticks := 0
	out, _ := exec.Command("pgrep", "--parent", strconv.Itoa(process)).Output()
	for _, pid := range append(numbers(out), process) {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[strings.LastIndex(string(stat), ")")+1:]))
		user, _ := strconv.Atoi(fields[11])
		system, _ := strconv.Atoi(fields[12])
		ticks += user + system
	}
	return float64(ticks) / 100
}

// static starts the same Nginx with the machine's certificate as a file.
func static(t *testing.T, b *box) *server {
	t.Helper()
	content, err := os.ReadFile(b.root + "/etc/nginx/nginx.conf")
	require.NoError(t, err)
	plain, secure := address(t), address(t)
	file := b.root + host.CertificatesFolder + "/" + name + ".pem"
	conf := strings.NewReplacer(
		b.http, plain, b.https, secure,
		b.root+"/run/nginx.pid", b.root+"/run/static.pid",
		b.root+host.SelfSignedFile, file,
		`ssl_certificate_by_lua_block { require("certificates").handshake() }`, "",
		b.root+host.CertificatesSocket, b.root+host.CertificatesRun+"/static.sock",
	).Replace(string(content))
	path := b.root + "/etc/nginx/static.conf"
	require.NoError(t, os.WriteFile(path, []byte(conf), 0o600))
	cmd := exec.Command("nginx", "-c", path, "-g", "daemon off;")
	run(t, cmd, secure)
	return &server{name: "static", address: secure, process: cmd.Process.Pid}
}

// startCaddy starts Caddy with the machine's certificate in front of the same
// workers. It returns nil if Caddy is not installed.
func startCaddy(t *testing.T, b *box) *server {
	t.Helper()
	program, err := exec.LookPath(*caddy)
	if err != nil {
		t.Log("there is no Caddy")
		return nil
	}
	secure := address(t)
	_, port, err := net.SplitHostPort(secure)
	require.NoError(t, err)
	content, err := os.ReadFile(b.root + host.CertificatesFolder + "/" + name + ".pem")
	require.NoError(t, err)
	pem := filepath.Join(t.TempDir(), "caddy.pem")
	require.NoError(t, os.WriteFile(pem, content, 0o600))
	conf := filepath.Join(t.TempDir(), "Caddyfile")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, `{
	admin off
	auto_https disable_redirects
}
https://%s:%s {
	bind 127.0.0.1
	tls %s %s
	reverse_proxy unix/%s
}
`, name, port, pem, pem, b.root+host.ProxySocket), 0o600))
	cmd := exec.Command(program, "run", "--config", conf, "--adapter", "caddyfile")
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "XDG_DATA_HOME="+t.TempDir())
	run(t, cmd, secure)
	return &server{name: "caddy", address: secure, process: cmd.Process.Pid}
}

// run starts a server and waits until it listens.
func run(t *testing.T, cmd *exec.Cmd, address string) {
	t.Helper()
	output := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = output, output
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(output)
		}
	})
	eventually(t, 10*time.Second, func() error {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		return c.Close()
	})
}
