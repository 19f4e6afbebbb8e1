package cloudinit

import (
	"fmt"
	"maps"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"

	"escala/service"
)

// settings is /etc/escala/machine.conf, which the machine's programs read.
func (m Machine) settings() (string, error) {
	life := m.Spec.Lifecycle
	settings := map[string]string{
		"NAME":           m.Spec.Name,
		"SERVICE_USER":   User,
		"WORKER_COUNT":   strconv.Itoa(m.Spec.Workers.Count),
		"HEALTH_PATH":    m.Spec.HealthPath,
		"READY_PATH":     m.Spec.ReadyPath,
		"START_SECONDS":  seconds(life.Start),
		"STEADY_SECONDS": decimalSeconds(life.Steady),
		"STOP_SECONDS":   seconds(life.Stop),
		"POLL_SECONDS":   seconds(m.Poll),
		"KEPT":           strconv.Itoa(service.KeptReleases),
	}
	maps.Copy(settings, m.setupSettings())
	if m.Spec.Workers.Mode == service.WorkersPorts {
		settings["PORTS_BASE"] = strconv.Itoa(m.Spec.Workers.PortsBase)
	}
	return shellAssignments("# What the machine's programs need to know.\n", "", settings)
}

// environment is /etc/escala/environment: what every worker gets.
func (m Machine) environment() (string, error) {
	// Nginx does not look at a worker's readiness, so announcing it would only
	// make each roll slower.
	spec := m.Spec
	spec.Lifecycle = spec.Lifecycle.WithoutAnnounce()
	env := spec.Environ()
	env[service.EnvSupervised] = "supervisord"
	env[service.EnvWorkers] = strconv.Itoa(spec.Workers.Count)
	env[service.EnvPort] = strconv.Itoa(spec.Port)
	return shellAssignments("# What every worker gets.\n", "export ", env)
}

// shellAssignments writes NAME='value' lines in the order of the names.
func shellAssignments(head, prefix string, values map[string]string) (string, error) {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	b.WriteString(head)
	for _, name := range names {
		if strings.ContainsRune(values[name], 0) {
			return "", fmt.Errorf("%s has a NUL in its value", name)
		}
		fmt.Fprintf(&b, "%s%s=%s\n", prefix, name, shellQuote(values[name]))
	}
	return b.String(), nil
}

// shellQuote quotes by POSIX 2.2.2: nothing is special between single quotes
// but the single quote itself.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// seconds rounds up: a limit may be a little later, never sooner.
func seconds(d time.Duration) string {
	return strconv.Itoa(int(math.Ceil(d.Seconds())))
}

func decimalSeconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}
