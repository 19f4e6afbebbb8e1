package cloudinit

import (
	_ "embed"
	"fmt"
	"strings"
	"text/template"
	"time"

	"escala/service"
	"escala/service/machine"
)

//go:embed templates/nginx.conf.tmpl
var nginxTemplate string

var nginxConf = template.Must(template.New("nginx.conf").Option("missingkey=error").Parse(nginxTemplate))

// nginxValues are all that the template may use. The strings among them are
// names and paths that Spec.Validate has restricted to characters without a
// meaning in nginx.conf; token checks it once more.
type nginxValues struct {
	Root, Name, Listen, ListenIPv6, StatusPath, UpstreamIdle string

	Port, OpenFiles, Connections, Keepalive, Backlog, BodyMB int

	Stop, ProxyIdle string

	// WorkerPorts are empty where the workers share Port.
	WorkerPorts []int
	Affinity    bool
	MaxFails    int
	FailTimeout string
}

// nginx is the whole nginx.conf, timeouts derived from the lifecycle.
func (m Machine) nginx() (string, error) {
	values := nginxValues{
		Root:       m.Root,
		Name:       m.Spec.Name,
		Listen:     "80",
		ListenIPv6: "[::]:80",
		StatusPath: machine.StatusPath,
		Port:       m.Spec.Port,
		OpenFiles:  openFiles,
		// A proxied request takes two connections.
		Connections: openFiles / 2,
		Keepalive:   64,
		Backlog:     listenBacklog,
		// As the service itself takes (HTTP_MAX_BODY_BYTES).
		BodyMB: 10,
		UpstreamIdle: nginxDuration(
			m.Spec.Lifecycle.UpstreamIdle()),
		Stop:      seconds(m.Spec.Lifecycle.Stop),
		ProxyIdle: seconds(m.Spec.WebSocket.ProxyIdle),
	}
	if workers := m.Spec.Workers; workers.Mode == service.WorkersPorts {
		for n := range workers.Count {
			values.WorkerPorts = append(values.WorkerPorts, workers.PortsBase+n)
		}
		values.Affinity = workers.Affinity
		values.MaxFails = workers.MaxFails
		values.FailTimeout = seconds(workers.FailTimeout)
	}
	for _, s := range []string{values.Root, values.Name} {
		if err := token(s); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	if err := nginxConf.Execute(&b, values); err != nil {
		return "", err
	}
	return b.String(), nil
}

// token refuses what would be more than one plain word in nginx.conf.
func token(s string) error {
	if strings.ContainsAny(s, " \t\r\n;{}\"'\\$#") {
		return fmt.Errorf("%q is not a plain word", s)
	}
	return nil
}

func nginxDuration(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }
