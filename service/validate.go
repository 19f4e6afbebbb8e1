package service

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"
)

var (
	dnsLabel = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$`)
	envName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	// namespaceName is a DNS label (RFC 1123).
	namespaceName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

	urlPath = regexp.MustCompile(`^/[A-Za-z0-9._~/-]*$`)
)

// Validate returns all errors of the description as Violations, with paths
// relative to it ("workers.count"), or nil.
func (s Spec) Validate() error {
	var v Violations
	if !dnsLabel.MatchString(s.Name) {
		v.Add("name", "%q is not a name of 1 to 32 lower-case letters, digits and hyphens that starts with a letter", s.Name)
	}
	s.Program.check(&v)
	s.checkReleaseCommand(&v)
	s.Bake.check(&v)
	checkPort(&v, "port", s.Port)
	if bad := CheckPath(s.HealthPath); bad != "" {
		v.Add("healthPath", "%q %s", s.HealthPath, bad)
	}
	if bad := CheckPath(s.ReadyPath); bad != "" {
		v.Add("readyPath", "%q %s", s.ReadyPath, bad)
	}
	if s.HealthPath == s.ReadyPath && s.Runtime != RuntimeNone {
		v.Add("readyPath", "is the same as healthPath (%q): a draining worker is healthy but not ready, so they must differ", s.ReadyPath)
	}
	s.checkHost(&v)
	s.checkTLS(&v)
	for i, one := range s.TrustedProxies {
		if _, ok := ParseNetwork(one); !ok {
			v.Add(fmt.Sprintf("trustedProxies[%d]", i), "%q is neither an address nor a network; for example \"10.0.0.0/8\"", one)
		}
	}
	s.checkEnv(&v)
	s.checkProcesses(&v)
	s.checkSchedule(&v)
	s.Workers.check(&v)
	s.checkPorts(&v)
	s.checkRuntime(&v)
	s.checkPassingOver(&v)
	s.Scale.check(&v)
	s.Resources.check(&v)
	s.Resources.checkLimit(&v)
	s.Limits.check(&v)
	s.WebSocket.check(&v)
	s.Redis.check(&v)
	s.Metrics.check(&v)
	v = append(v, s.Lifecycle.violations().Under("lifecycle")...)
	if s.WebSocket.Rooms && s.Workers.Count > 1 && s.Redis.Mode == RedisNone && !slices.Contains(s.Secrets, EnvRedis) {
		v.Add("redis.mode", "is %q, but webSocket.rooms is on: clients on different workers or pods would not hear each other; set redis.mode to local or url", s.Redis.Mode)
	}
	return v.Err()
}

// ParseNetwork reads an address or a network in CIDR notation. A single address
// becomes a network of one address.
func ParseNetwork(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

func checkPort(v *Violations, path string, port int) {
	if port < 1024 || port > 65535 {
		v.Add(path, "%d is not a port from 1024 to 65535 (the service does not run as root)", port)
	}
}

func (s Spec) checkEnv(v *Violations) {
	own := s.variables()
	perWorker := []string{EnvListen, EnvPort, EnvHost, EnvWorker, EnvAdmin, EnvWorkers, EnvSupervised, EnvMetricsPort, EnvMaintenance, EnvCountsKey}
	reserved := func(name string) (where string, ok bool) {
		if one, ok := own[name]; ok {
			return one.Key, true
		}
		return "", slices.Contains(perWorker, name)
	}
	names := make([]string, 0, len(s.Env))
	for name := range s.Env {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		key, taken := reserved(name)
		switch {
		case !envName.MatchString(name):
			v.Add("env."+name, "is not an environment variable's name (letters, digits, _)")
		case taken && key != "":
			v.Add("env."+name, "is set by escala from %s; change it there", key)
		case taken:
			v.Add("env."+name, "is set by escala for each worker; it cannot be chosen")
		case strings.ContainsRune(s.Env[name], 0):
			v.Add("env."+name, "has a NUL in its value, which no environment variable can have")
		}
	}
	taken := func(name string) bool { _, ok := reserved(name); return ok }
	for i, name := range s.Secrets {
		switch {
		case !envName.MatchString(name):
			v.Add("secrets", "%q is not an environment variable's name (letters, digits, _)", name)
		case name != EnvRedis && taken(name):
			v.Add("secrets", "%q is set by escala from the description", name)
		case s.Env[name] != "":
			v.Add("secrets", "%q is in env too; its value there is not encrypted; remove it from env", name)
		case slices.Contains(s.Secrets[:i], name):
			v.Add("secrets", "%q is listed twice", name)
		}
	}
}

func (w Workers) check(v *Violations) {
	switch w.Mode {
	case WorkersShared, WorkersPorts:
	default:
		v.Add("workers.mode", "%q is neither %q nor %q", w.Mode, WorkersShared, WorkersPorts)
	}
	if w.Count < MinWorkers || w.Count > MaxWorkers {
		v.Add("workers.count", "%d is not from %d to %d (one worker must serve while another is replaced)", w.Count, MinWorkers, MaxWorkers)
	}
}

// checkPorts checks the workers' own ports.
func (s Spec) checkPorts(v *Violations) {
	w := s.Workers
	if w.Mode != WorkersPorts {
		return
	}
	checkPort(v, "workers.portsBase", w.PortsBase)
	ports := len(s.WorkerPorts())
	if w.PortsBase+ports-1 > 65535 {
		v.Add("workers.portsBase", "%d leaves no room for %d ports below 65536", w.PortsBase, ports)
	}
	if w.PortsBase <= localRedisPort && localRedisPort < w.PortsBase+ports {
		v.Add("workers.portsBase", "%d and %d workers take port %d, which is Redis'", w.PortsBase, w.Count, localRedisPort)
	}
}

// checkPassingOver checks that Nginx uses a restarted worker again before the
// next one is replaced. Otherwise two workers could be out of use at a time.
func (s Spec) checkPassingOver(v *Violations) {
	w := s.Workers
	if w.Mode != WorkersPorts {
		if w.Affinity || w.MaxFails != 0 || w.FailTimeout != 0 {
			v.Add("workers.mode", "is %q, in which workers share one port: affinity, maxFails and failTimeout are for %q", w.Mode, WorkersPorts)
		}
		return
	}
	switch {
	case w.MaxFails < 0:
		v.Add("workers.maxFails", "%d is negative; 0 never passes a worker over", w.MaxFails)
	case w.MaxFails == 0 && w.FailTimeout != 0:
		v.Add("workers.failTimeout", "is set, but workers.maxFails is 0, which never passes a worker over")
	case w.MaxFails > 0 && (w.FailTimeout < time.Second || w.FailTimeout%time.Second != 0):
		v.Add("workers.failTimeout", "%s is not a whole number of seconds from 1s, which is what Nginx counts in", w.FailTimeout)
	case w.MaxFails > 0 && w.FailTimeout >= s.Lifecycle.Steady:
		v.Add("workers.failTimeout", "%s is not below lifecycle.steady (%s): Nginx would still pass over a worker that is back when the next one is replaced", w.FailTimeout, s.Lifecycle.Steady)
	}
}

func (r Resources) check(v *Violations) {
	if r.MemoryMiB < 32 {
		v.Add("resources.memoryMiB", "%d is below 32, which no Go service fits in", r.MemoryMiB)
	}
	if r.CPUMillis < 1 {
		v.Add("resources.cpuMillis", "%d is not a positive number of thousandths of a core: pods ask for it, and the autoscaler measures against it", r.CPUMillis)
	}
}

// checkLimit compares the limit with the request, because a cluster refuses a
// limit below the request.
func (r Resources) checkLimit(v *Violations) {
	if r.CPULimitMillis != 0 && r.CPULimitMillis < r.CPUMillis {
		v.Add("resources.cpuLimitMillis", "%d is below resources.cpuMillis (%d); 0 is no limit", r.CPULimitMillis, r.CPUMillis)
	}
}

func (w WebSocket) check(v *Violations) {
	if w.PingInterval < time.Second {
		v.Add("webSocket.pingInterval", "%s is below 1s", w.PingInterval)
	}
	if w.PingInterval >= w.ProxyIdle {
		v.Add("webSocket.pingInterval", "%s is not below webSocket.proxyIdle (%s): proxies would close quiet connections", w.PingInterval, w.ProxyIdle)
	}
}

func (r Redis) check(v *Violations) {
	switch r.Mode {
	case RedisNone, RedisLocal:
		if r.URL != "" {
			v.Add("redis.url", "is set, but redis.mode is %q; set redis.mode to url", r.Mode)
		}
	case RedisURL:
		u, err := url.Parse(r.URL)
		if bad := CheckRedisURL(r.URL); bad != "" {
			v.Add("redis.url", "%s", bad)
		} else if err == nil && u.User != nil {
			v.Add("redis.url", "carries a password; give the whole URL as the secret %s instead", EnvRedis)
		}
	default:
		v.Add("redis.mode", "%q is not one of %q, %q, %q", r.Mode, RedisNone, RedisLocal, RedisURL)
	}
	if bad := CheckRedisPrefix(r.Prefix); bad != "" {
		v.Add("redis.prefix", "%q %s", r.Prefix, bad)
	}
}

// violations checks the inequalities that a drain without lost requests needs.
func (l Lifecycle) violations() Violations {
	var v Violations
	if l.Start < time.Second {
		v.Add("start", "%s is below 1s: no worker would ever be ready in time", l.Start)
	}
	if l.Steady < 0 {
		v.Add("steady", "%s is negative", l.Steady)
	}
	v = append(v, l.drainOrder()...)
	if l.Announce+l.Drain+StopMargin > l.Stop {
		v.Add("stop", "%s is too short: announce (%s) + drain (%s) + %s to say what was still open is %s; the supervisor would kill a worker that is still draining",
			l.Stop, l.Announce, l.Drain, StopMargin, l.Announce+l.Drain+StopMargin)
	}
	return v
}

// drainOrder checks the part that does not depend on a supervisor: the order of a
// worker's own steps.
func (l Lifecycle) drainOrder() Violations {
	var v Violations
	if l.Announce < 0 {
		v.Add("announce", "%s is negative", l.Announce)
	}
	if l.Drain < time.Second {
		v.Add("drain", "%s is below 1s: requests in flight would be cut", l.Drain)
	}
	if l.Linger < time.Second {
		v.Add("linger", "%s is below 1s: a proxy could not close its idle connections first", l.Linger)
	}
	if l.Linger >= l.Drain {
		v.Add("linger", "%s is not below drain (%s): idle connections would be cut, not closed", l.Linger, l.Drain)
	}
	if l.CloseJitter < 0 || l.CloseJitter >= l.Drain {
		v.Add("closeJitter", "%s is not between 0 and drain (%s): the last WebSockets would be cut with 1006", l.CloseJitter, l.Drain)
	}
	return v
}
