package cloudinit

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"time"

	"escala/cloudinit/agent/host"
	"escala/service"
	"escala/service/machine"
)

//go:embed templates/nginx.conf.tmpl
var nginxTemplate string

var nginxConf = template.Must(template.New("nginx.conf").Option("missingkey=error").Parse(nginxTemplate))

// nginxValues holds all values that the template may use. Spec.Validate
// restricts the strings to characters without a meaning in nginx.conf; token
// checks them again.
type nginxValues struct {
	Root, Name, Listen, ListenIPv6, StatusPath, UpstreamIdle string

	OpenFiles, Connections, Keepalive, Backlog int

	BodyMiB, HeaderKiB, ResponseHeaderKiB int

	// Times in whole seconds.
	Stop, ProxyIdle, BodySilence, AnswerSilence string

	// WorkerPorts is empty when the workers share Socket.
	WorkerPorts []int
	Socket      string
	Affinity    bool
	MaxFails    int
	FailTimeout string

	// TrustedProxies are the addresses whose headers about the client are
	// believed.
	TrustedProxies []string
	// ClientScheme is the variable of the client's own scheme.
	ClientScheme string
	// MaintenancePage is the file that exists during a maintenance. It does not
	// apply to Checks, the paths that report the state of the service. RetryAfter is
	// in whole seconds.
	MaintenancePage, RetryAfter string
	Checks                      []string
	// TLS is nil without HTTPS.
	TLS *nginxTLS
	// Metrics is nil if no scraper is named.
	Metrics *nginxMetrics
	// Upstreams is nil for a program with escala's runtime.
	Upstreams *nginxUpstreams
	// AnswersSocket is where Nginx reports its counts. It is "" if it counts
	// nothing.
	AnswersSocket string
	// Lua is true if Nginx needs its Lua module, with escala's modules in
	// Programs, a folder with a trailing slash.
	Lua      bool
	Programs string
	// RemovedClaims are the headers that describe a client and that this
	// configuration does not set.
	RemovedClaims []string
	// Sources are the loopback addresses from which Nginx connects to the
	// workers. It is empty if one address is enough; Nginx then needs no
	// setting.
	Sources []source
}

// source is an address and its share of the connections, such as "50%". The
// last source's share is "*".
type source struct{ Share, Address string }

// nginx renders nginx.conf, with timeouts derived from the lifecycle.
func (m Machine) nginx() (string, error) {
	spec := m.Spec
	values := nginxValues{
		Root:              m.Root,
		Name:              spec.Name,
		Listen:            "80",
		ListenIPv6:        "[::]:80",
		StatusPath:        machine.StatusPath,
		Socket:            m.Root + host.ProxySocket,
		OpenFiles:         m.nginxFiles(),
		Connections:       m.nginxFiles() - openFiles,
		Keepalive:         64,
		Backlog:           listenBacklog,
		BodyMiB:           spec.Limits.BodyMiB,
		HeaderKiB:         spec.Limits.HeaderKiB,
		ResponseHeaderKiB: spec.Limits.ResponseHeaderKiB,
		UpstreamIdle:      nginxDuration(spec.Lifecycle.UpstreamIdle()),
		Stop:              seconds(spec.Lifecycle.Stop),
		ProxyIdle:         seconds(spec.WebSocket.ProxyIdle),
		BodySilence:       seconds(service.BodySilence),
		AnswerSilence:     seconds(service.AnswerSilence),
		TrustedProxies:    spec.TrustedProxies,
		ClientScheme:      "$scheme",
		MaintenancePage:   m.Root + host.MaintenancePage,
		Checks:            checks(spec),
		RetryAfter:        seconds(service.MaintenanceRetry),
		TLS:               m.nginxTLS(),
		Metrics:           m.nginxMetrics(),
		Upstreams:         m.nginxUpstreams(),
		AnswersSocket:     m.answersSocket(),
		Lua:               m.lua(),
		Programs:          m.Root + programsFolder,
		RemovedClaims:     removedClaims(),
		Sources:           sources(spec),
	}
	if workers := spec.Workers; workers.Mode == service.WorkersPorts {
		values.WorkerPorts = spec.WorkerPorts()
		values.Affinity = workers.Affinity
		values.MaxFails = workers.MaxFails
		values.FailTimeout = seconds(workers.FailTimeout)
	}
	if len(spec.TrustedProxies) > 0 {
		values.ClientScheme = "$client_scheme"
	}
	words := append([]string{values.Root, values.Name, values.Socket}, values.TrustedProxies...)
	words = append(words, values.Checks...)
	if values.Metrics != nil {
		words = append(words, values.Metrics.Allow...)
	}
	if values.TLS != nil {
		words = append(words, values.TLS.Subjects...)
	}
	for _, s := range words {
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

// nginxFiles returns the number of files that an Nginx worker may open: openFiles
// and its connections.
func (m Machine) nginxFiles() int {
	return m.openFiles(m.Spec.ProxyConnections() + openFiles)
}

// nginxUnitFiles returns the limit on open files that Nginx starts with. Its
// workers raise it to nginxFiles, if the machine can raise limits.
func (m Machine) nginxUnitFiles() int {
	if m.OpenFiles > 0 {
		return m.nginxFiles()
	}
	return openFiles
}

// checks returns the paths that report the state of the service.
func checks(spec service.Spec) []string {
	return slices.Compact([]string{spec.HealthPath, spec.ReadyPath})
}

// removedClaims returns the headers that describe a client, without those that
// the template sets (service.MachineClaims).
func removedClaims() []string {
	var out []string
	for _, name := range service.ClientClaims {
		if !slices.Contains(service.MachineClaims, name) {
			out = append(out, name)
		}
	}
	return out
}

// portsPerSource is a lower bound of the connections that the kernel has ports
// for, from one address to one port: net.ipv4.ip_local_port_range is 32768 to
// 60999.
const portsPerSource = 28_000

// sources returns enough loopback addresses for all connections to the workers'
// ports. A shared socket has no ports and needs none.
func sources(spec service.Spec) []source {
	if spec.Workers.Mode == service.WorkersShared {
		return nil
	}
	n := (spec.Limits.Connections + portsPerSource - 1) / portsPerSource
	if n < 2 {
		return nil
	}
	n = min(n, 250)
	out := make([]source, n)
	for i := range out {
		out[i] = source{fmt.Sprintf("%.2f%%", 100/float64(n)), fmt.Sprintf("127.0.0.%d", i+1)}
	}
	out[n-1].Share = "*"
	return out
}

// token returns an error if s is more than one plain word in nginx.conf.
func token(s string) error {
	if strings.ContainsAny(s, " \t\r\n;{}\"'\\$#") {
		return fmt.Errorf("%q is not a plain word", s)
	}
	return nil
}

func nginxDuration(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }
