package service

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDefaultsAreValid(t *testing.T) {
	t.Parallel()
	require.NoError(t, NewSpec().Validate())
	s := NewSpec()
	s.Lifecycle = s.Lifecycle.WithoutAnnounce()
	require.NoError(t, s.Validate())
}

// allow returns a change that sets the scrapers.
func allow(scrapers ...string) func(*Spec) {
	return func(s *Spec) { s.Metrics.Allow = scrapers }
}

func TestAScraperIsNoTrustedProxy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		allow, proxies []string
		refused        bool
	}{
		{[]string{"203.0.113.7", "fc00::/7", "10.0.0.0/8"}, []string{"192.0.2.0/24", "2001:db8::1"}, false},
		{[]string{"192.0.2.9"}, []string{"192.0.2.0/24"}, true},
		{[]string{"10.0.0.0/8"}, []string{"10.1.2.3"}, true},
		{[]string{"fc00::/7"}, []string{"fd00::/8"}, true},
	} {
		s := NewSpec()
		s.Metrics.Allow, s.TrustedProxies = tt.allow, tt.proxies
		require.NoError(t, s.Validate(), "on a cluster no proxy leads to the metrics")
		var v Violations
		s.CheckMachineMetrics(&v)
		assert.Equal(t, tt.refused, len(v) > 0, "%v: %v", tt.allow, v)
	}
	s := NewSpec()
	s.Metrics.Namespaces = []string{"monitoring"}
	var v Violations
	s.CheckMachineMetrics(&v)
	assert.ErrorContains(t, v.Err(), "metrics.namespaces: is for clusters")
}

// TestAnyTextIsAVariablesValue checks that a value may have what other formats cannot
// carry. A key in PEM has line breaks.
func TestAnyTextIsAVariablesValue(t *testing.T) {
	t.Parallel()
	s := NewSpec()
	s.Env = map[string]string{
		"KEY": "-----BEGIN KEY-----\nabc\n-----END KEY-----\n", "CRLF": "a\r\nb", "QUOTES": `'"`, "PERCENT": "100%", "EMPTY": "", "SHELL": "$(id)", "UTF": "año ✓",
	}
	require.NoError(t, s.Validate())
}

func TestValidateNamesTheKey(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path, message string
		change        func(*Spec)
	}{
		{"name", `"Api" is not a name`, func(s *Spec) { s.Name = "Api" }},
		{"name", "is not a name", func(s *Spec) { s.Name = "" }},
		{"name", "is not a name", func(s *Spec) { s.Name = "api-" }},
		{"name", "is not a name", func(s *Spec) { s.Name = strings.Repeat("a", 33) }},
		{"port", "80 is not a port from 1024 to 65535", func(s *Spec) { s.Port = 80 }},
		{"port", "65536", func(s *Spec) { s.Port = 65536 }},
		{"healthPath", "is not a path", func(s *Spec) { s.HealthPath = "health" }},
		{"healthPath", "is not a path", func(s *Spec) { s.HealthPath = "/a b" }},
		{"readyPath", "is not a path", func(s *Spec) { s.ReadyPath = "/ready?x" }},
		{"readyPath", "must differ", func(s *Spec) { s.ReadyPath = s.HealthPath }},
		{"healthPath", "is what a worker answers itself", func(s *Spec) { s.HealthPath = "/metrics" }},
		{"readyPath", "is what a worker answers itself", func(s *Spec) { s.ReadyPath = "/status" }},
		{"healthPath", "empty or dot segments", func(s *Spec) { s.HealthPath = "//health" }},
		{"healthPath", "empty or dot segments", func(s *Spec) { s.HealthPath = "/a/../b" }},
		{"readyPath", "empty or dot segments", func(s *Spec) { s.ReadyPath = "/a/./b" }},
		{"trustedProxies[1]", "neither an address nor a network", func(s *Spec) { s.TrustedProxies = []string{"10.0.0.0/8", "proxy"} }},
		{"metrics.allow[1]", `"everybody" is neither an address nor a network`, allow("203.0.113.7", "everybody")},
		{"metrics.allow[0]", "never for the public", allow("0.0.0.0/0")},
		{"metrics.allow[0]", "never for the public", allow("::/0")},
		{"metrics.allow[0]", "is wider than /8", allow("128.0.0.0/1")},
		{"metrics.allow[0]", "is wider than /7", allow("2000::/3")},
		{"metrics.allow[0]", `did you mean "10.1.0.0/16"?`, allow("10.1.2.3/16")},
		{"metrics.allow[0]", `did you mean "2001:db8::/32"?`, allow("2001:db8::1/32")},
		{"metrics.allow[0]", "write it as IPv4", allow("::ffff:10.1.2.3")},
		{"metrics.allow[0]", "neither an address", allow("fe80::1%eth0")},
		{"metrics.namespaces[0]", "is not the name of a namespace", func(s *Spec) { s.Metrics.Namespaces = []string{"Monitoring"} }},
		{"metrics", "only the program knows", func(s *Spec) {
			s.Metrics.Allow, s.Runtime, s.Workers.Mode = []string{"10.0.0.1"}, RuntimeNone, WorkersPorts
		}},
		{"env.METRICS_PORT", "is set by escala", func(s *Spec) { s.Env = map[string]string{EnvMetricsPort: "1"} }},
		{"env.A-B", "is not an environment variable's name", func(s *Spec) { s.Env = map[string]string{"A-B": ""} }},
		{"env.PORT", "is set by escala", func(s *Spec) { s.Env = map[string]string{EnvPort: "1"} }},
		{"env.DRAIN_TIMEOUT", "is set by escala", func(s *Spec) { s.Env = map[string]string{"DRAIN_TIMEOUT": "1s"} }},
		{"env.HTTP_MAX_BODY_BYTES", "is set by escala from limits.bodyMiB", func(s *Spec) { s.Env = map[string]string{"HTTP_MAX_BODY_BYTES": "52428800"} }},
		{"env.START_TIMEOUT", "is set by escala from lifecycle.start", func(s *Spec) { s.Env = map[string]string{"START_TIMEOUT": "60s"} }},
		{"secrets", "is not an environment variable's name", func(s *Spec) { s.Secrets = []string{"a b"} }},
		{"secrets", "is set by escala", func(s *Spec) { s.Secrets = []string{EnvAdmin} }},
		{"secrets", "is not encrypted", func(s *Spec) { s.Secrets, s.Env = []string{"KEY"}, map[string]string{"KEY": "x"} }},
		{"secrets", "twice", func(s *Spec) { s.Secrets = []string{"KEY", "KEY"} }},
		{"processes.mailer.command", "is not set", process("mailer", func(p *Process) { p.Command = nil })},
		{"processes.mailer.command", `"node" is neither the service's own program (api)`, process("mailer", func(p *Process) { p.Command = []string{"node"} })},
		{"processes.mailer.command", `"../x/y" is not a file of the release`, process("mailer", func(p *Process) { p.Command = []string{"../x/y"} })},
		{"processes.mailer.count", "0 is not from 1 to 64", process("mailer", func(p *Process) { p.Count = 0 })},
		{"processes.mailer.stop", "1.5s is not a whole number", process("mailer", func(p *Process) { p.Stop = 1500 * time.Millisecond })},
		{"processes.mailer.memoryMiB", "8 is below 16", process("mailer", func(p *Process) { p.MemoryMiB = 8 })},
		{"processes.Mailer", "is not a name", process("Mailer", func(*Process) {})},
		{"processes.a--b", "is not a name", process("a--b", func(*Process) {})},
		{"processes.redis", "has a name that is taken", process("redis", func(*Process) {})},
		{"processes.api", "has a name that is taken", process("api", func(*Process) {})},
		{"processes." + strings.Repeat("b", 20), "has a name that is too long", process("mailer", func(*Process) {}, func(s *Spec) {
			s.Name = strings.Repeat("a", 32)
			s.Processes = map[string]Process{strings.Repeat("b", 20): {Command: []string{"./api"}, Count: 1, Stop: time.Second}}
		})},
		{"processes.report", "is the name of a schedule too", process("report", func(*Process) {}, func(s *Spec) { scheduled(func(*Schedule) {})(s) })},
		{"schedule.report.cron", "is not set", scheduled(func(r *Schedule) { r.Cron = "" })},
		{"schedule.report.cron", `"0 3 * *" has 4 fields`, scheduled(func(r *Schedule) { r.Cron = "0 3 * *" })},
		{"schedule.report.cron", `"@reboot" is not one of`, scheduled(func(r *Schedule) { r.Cron = "@reboot" })},
		{"schedule.report.command", "is not set", scheduled(func(r *Schedule) { r.Command = nil })},
		{"schedule.report.timeout", "0s is not", scheduled(func(r *Schedule) { r.Timeout = 0 })},
		{"schedule.report.overlap", `"allow" is neither "skip" nor "replace"`, scheduled(func(r *Schedule) { r.Overlap = "allow" })},
		{"processes", "are 17 with those of schedule", scheduled(func(*Schedule) {}, func(s *Spec) {
			s.Processes = map[string]Process{}
			for i := range 16 {
				s.Processes["p"+string(rune('a'+i))] = Process{Command: []string{"api"}, Count: 1, Stop: time.Second}
			}
		})},
		{"workers.mode", `"fork" is neither`, func(s *Spec) { s.Workers.Mode = "fork" }},
		{"workers.count", "0 is not from 2 to 64", func(s *Spec) { s.Workers.Count = 0 }},
		{"workers.count", "65", func(s *Spec) { s.Workers.Count = 65 }},
		{"workers.portsBase", "is not a port", func(s *Spec) { s.Workers.Mode, s.Workers.PortsBase = WorkersPorts, 1 }},
		{"workers.portsBase", "leaves no room for 2 ports", func(s *Spec) { s.Workers.Mode, s.Workers.PortsBase = WorkersPorts, 65535 }},
		{"host", "is not a host name", func(s *Spec) { s.Host = "https://api.example.com" }},
		{"host", "is not a host name", func(s *Spec) { s.Host = "localhost" }},
		{"pathPrefix", "is not a path", func(s *Spec) { s.PathPrefix = "api" }},
		{"pathPrefix", "without a slash at its end", func(s *Spec) { s.PathPrefix = "/api/" }},
		{"healthPath", `is not below pathPrefix ("/api")`, func(s *Spec) { s.PathPrefix = "/api" }},
		{"scale.min", "0 is not from 1", func(s *Spec) { s.Scale.Min = 0 }},
		{"scale.max", "2 is not from scale.min (3)", func(s *Spec) { s.Scale.Max = 2 }},
		{"scale.max", "1001 is not", func(s *Spec) { s.Scale.Max = 1001 }},
		{"scale.replicas", "together with scale.min or scale.max", func(s *Spec) { s.Scale.Replicas, s.Scale.Max = 4, 12 }},
		{"scale.replicas", "-1 is not from 1", func(s *Spec) { s.Scale.Replicas = -1 }},
		{"scale.cpu", "0 is not from 1", func(s *Spec) { s.Scale.CPU = 0 }},
		{"scale.memory", "no pod would ever be added", func(s *Spec) { s.Scale.Memory = 90 }},
		{"scale.memory", "-1 is not from 0", func(s *Spec) { s.Scale.Memory = -1 }},
		{"scale.scaleDown", "whole number of seconds", func(s *Spec) { s.Scale.ScaleDown = 2 * time.Hour }},
		{"resources.cpuLimitMillis", "50 is below resources.cpuMillis (100)", func(s *Spec) { s.Resources.CPULimitMillis = 50 }},
		{"resources.memoryMiB", "below 32", func(s *Spec) { s.Resources.MemoryMiB = 31 }},
		{"resources.cpuMillis", "positive", func(s *Spec) { s.Resources.CPUMillis = 0 }},
		{"webSocket.pingInterval", "below 1s", func(s *Spec) { s.WebSocket.PingInterval = 0 }},
		{"webSocket.pingInterval", "is not below webSocket.proxyIdle", func(s *Spec) { s.WebSocket.PingInterval = s.WebSocket.ProxyIdle }},
		{"redis.url", "is set, but redis.mode", func(s *Spec) { s.Redis.URL = "redis://h:1/0" }},
		{"redis.url", "is not redis://", func(s *Spec) { s.Redis = Redis{Mode: RedisURL, URL: "http://h"} }},
		{"redis.url", "carries a password", func(s *Spec) { s.Redis = Redis{Mode: RedisURL, URL: "redis://:pw@h:1/0"} }},
		{"redis.url", "percent-encoded (%23", func(s *Spec) { s.Redis = Redis{Mode: RedisURL, URL: "redis://:12#x@h/0"} }},
		{"redis.url", "no number of a database", func(s *Spec) { s.Redis = Redis{Mode: RedisURL, URL: "redis://h:6379/mydb"} }},
		{"redis.prefix", "has other characters", func(s *Spec) { s.Redis.Prefix = "a b" }},
		{"limits.bodyMiB", "0 is not from 1", func(s *Spec) { s.Limits.BodyMiB = 0 }},
		{"limits.headerKiB", "2048 is not from 4 to 1024 KiB", func(s *Spec) { s.Limits.HeaderKiB = 2048 }},
		{"limits.responseHeaderKiB", "1 is not from 4", func(s *Spec) { s.Limits.ResponseHeaderKiB = 1 }},
		{"limits.connections", "99 is not from 100", func(s *Spec) { s.Limits.Connections = 99 }},
		{"redis.mode", "is not one of", func(s *Spec) { s.Redis.Mode = "cluster" }},
		{"redis.mode", "would not hear each other", func(s *Spec) { s.WebSocket.Rooms = true }},
		{"lifecycle.start", "below 1s", func(s *Spec) { s.Lifecycle.Start = 0 }},
		{"lifecycle.steady", "negative", func(s *Spec) { s.Lifecycle.Steady = -1 }},
		{"lifecycle.announce", "negative", func(s *Spec) { s.Lifecycle.Announce = -1 }},
		{"lifecycle.linger", "below 1s", func(s *Spec) { s.Lifecycle.Linger = 0 }},
		{"lifecycle.linger", "is not below drain", func(s *Spec) { s.Lifecycle.Linger = s.Lifecycle.Drain }},
		{"lifecycle.closeJitter", "cut with 1006", func(s *Spec) { s.Lifecycle.CloseJitter = s.Lifecycle.Drain }},
		{"lifecycle.stop", "is too short", func(s *Spec) { s.Lifecycle.Stop = 26 * time.Second }},
		{"source", "is empty", func(s *Spec) { s.Source = "" }},
		{"package", `"cmd/api" is not a folder below source; for example "./cmd/api"`, func(s *Spec) { s.Package = "cmd/api" }},
		{"package", "is not a folder below source", func(s *Spec) { s.Package = "./..." }},
		{"package", "is not a folder below source", func(s *Spec) { s.Package = "../api" }},
		{"binary", "is set together with source, package or folder", func(s *Spec) { s.Binary, s.Source = "dist/api", "../my-api" }},
		{"folder", "is set together with source or package", func(s *Spec) { s.Folder, s.Source, s.Command = "app", "../my-api", []string{"python3", "app.py"} }},
		{"command", "a folder needs the command that starts it", func(s *Spec) { s.Folder = "app" }},
		{"command", `"node" is not on a Debian 12 machine, which has bash, env, perl, python3, sh`, func(s *Spec) { s.Folder, s.Command = "app", []string{"node", "app.js"} }},
		{"command", `"../server" is not a file of the release`, func(s *Spec) { s.Command = []string{"../server"} }},
		{"command", `"a b" is not the name of a program`, func(s *Spec) { s.Command = []string{"a b"} }},
		{"command", "has a NUL", func(s *Spec) { s.Command = []string{"python3", "a\x00"} }},
		{"files", `"../secret" is not a file or folder below the program's`, func(s *Spec) { s.Files = []string{"templates", "../secret"} }},
		{"packages", `"nginx-" is not the name of a Debian package`, func(s *Spec) { s.Packages = []string{"g++", "nginx-"} }}, // apt-get would remove the package
		{"packages", `"Node" is not the name of a Debian package`, func(s *Spec) { s.Packages = []string{"Node"} }},
		{"runtime", `"go" is neither "escala" nor "none"`, func(s *Spec) { s.Runtime = "go" }},
		{"workers.mode", "needs escala's runtime", func(s *Spec) { s.Runtime = RuntimeNone }},
		{"webSocket.rooms", "rooms are a part of escala's runtime", func(s *Spec) {
			s.Runtime, s.Workers.Mode, s.WebSocket.Rooms, s.Redis.Mode = RuntimeNone, WorkersPorts, true, RedisLocal
		}},
		{"workers.maxFails", "the machine itself knows which workers serve", func(s *Spec) {
			s.Runtime, s.Workers.Mode, s.Workers.MaxFails, s.Workers.FailTimeout, s.Lifecycle.Steady = RuntimeNone, WorkersPorts, 1, time.Second, 2*time.Second
		}},
		{"workers.portsBase", "6376 and 2 workers take port 6379", func(s *Spec) {
			s.Runtime, s.Workers.Mode, s.Workers.PortsBase = RuntimeNone, WorkersPorts, 6376
		}},
	}
	for _, tt := range tests {
		t.Run(tt.path+" "+tt.message, func(t *testing.T) {
			t.Parallel()
			s := NewSpec()
			tt.change(&s)
			var v Violations
			require.ErrorAs(t, s.Validate(), &v)
			require.Len(t, v, 1, "only what was changed is wrong: %v", v)
			assert.Equal(t, tt.path, v[0].Path)
			assert.Contains(t, v[0].Problem, tt.message)
		})
	}
}

// process returns a change that adds a process with a name.
func process(name string, change func(*Process), more ...func(*Spec)) func(*Spec) {
	return func(s *Spec) {
		var p Process
		p.SetDefaults()
		p.Command = []string{"api", "mail"}
		change(&p)
		s.Processes = map[string]Process{name: p}
		for _, m := range more {
			m(s)
		}
	}
}

// scheduled returns a change that adds a schedule.
func scheduled(change func(*Schedule), more ...func(*Spec)) func(*Spec) {
	return func(s *Spec) {
		var r Schedule
		r.SetDefaults()
		r.Cron, r.Command = "30 3 * * *", []string{"./api", "report"}
		change(&r)
		s.Schedule = map[string]Schedule{"report": r}
		for _, m := range more {
			m(s)
		}
	}
}

func TestProcessesAndSchedules(t *testing.T) {
	t.Parallel()
	s := NewSpec()
	process("mailer", func(p *Process) { p.Count, p.MemoryMiB = 3, 64 })(&s)
	scheduled(func(*Schedule) {})(&s)
	require.NoError(t, s.Validate())
	assert.Equal(t, []string{"mailer", "report"}, s.TaskNames())
	assert.Equal(t, 3*64+256, s.TasksMemory())
	s.Folder, s.Command = "app", []string{"python3", "app.py"}
	require.ErrorContains(t, s.Validate(), `processes.mailer.command: "api" is neither the service's own program nor`, "a folder has no program of the service's name")
}

func TestScale(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change       func(*Scale)
		fixed, least int
	}{
		"the autoscaler decides": {func(*Scale) {}, 0, 3},
		"a number":               {func(s *Scale) { s.Replicas = 2 }, 2, 2},
		"the same number twice":  {func(s *Scale) { s.Min, s.Max = 5, 5 }, 5, 5},
	} {
		s := NewSpec()
		tt.change(&s.Scale)
		require.NoError(t, s.Validate(), name)
		assert.Equal(t, tt.fixed, s.Scale.Fixed(), name)
		assert.Equal(t, tt.least, s.Scale.MinPods(), name)
	}
}

func TestPathPrefix(t *testing.T) {
	t.Parallel()
	s := NewSpec()
	s.Host, s.PathPrefix, s.HealthPath = "api.example.com", "/api", "/api/health"
	require.NoError(t, s.Validate())
}

func TestRoomsNeedARedisFromSomewhere(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Spec){
		"local":         func(s *Spec) { s.Redis.Mode = RedisLocal },
		"an address":    func(s *Spec) { s.Redis = Redis{Mode: RedisURL, URL: "rediss://h:6380/0"} },
		"in the secret": func(s *Spec) { s.Secrets = []string{EnvRedis} },
	} {
		s := NewSpec()
		s.WebSocket.Rooms = true
		change(&s)
		assert.NoError(t, s.Validate(), name)
	}
}

func TestEverythingThatIsWrongIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	var v Violations
	require.ErrorAs(t, Spec{}.Validate(), &v)
	var paths []string
	for _, one := range v {
		paths = append(paths, one.Path)
	}
	assert.Equal(t, []string{
		"name", "runtime", "source", "package", "port", "healthPath", "readyPath", "readyPath", "pathPrefix", "workers.mode", "workers.count",
		"scale.min", "scale.cpu", "resources.memoryMiB", "resources.cpuMillis",
		"limits.bodyMiB", "limits.headerKiB", "limits.responseHeaderKiB", "limits.connections",
		"webSocket.pingInterval", "webSocket.pingInterval", "redis.mode",
		"lifecycle.start", "lifecycle.drain", "lifecycle.linger", "lifecycle.linger", "lifecycle.closeJitter", "lifecycle.stop",
	}, paths)
	assert.Len(t, strings.Split(v.Error(), "\n"), len(v), "a line each")
}

func TestViolations(t *testing.T) {
	t.Parallel()
	var v Violations
	require.NoError(t, v.Err(), "an empty list is no error")
	v.Add("port", "%d is wrong", 1)
	under := v.Under("service")
	assert.Equal(t, "service.port: 1 is wrong", under.Error())
	assert.Equal(t, "port: 1 is wrong", v.Error(), "the original stays")
	require.ErrorAs(t, under.Err(), &v)
}
