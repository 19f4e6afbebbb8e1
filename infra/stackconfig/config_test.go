package stackconfig

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

type fake map[string]string

func (f fake) Keys() []string { return sortedKeys(f) }

func (f fake) File() File { return File{} }

func (f fake) Get(key string) (string, bool) {
	v, ok := f[key]
	return v, ok
}

type settings struct {
	Port int `config:"port"`
}

func sections(s *settings) []Section {
	return []Section{
		{Target: "local", Key: "local", Settings: s},
		{Target: "aws-ec2", Key: "aws", Settings: &settings{}},
	}
}

func TestLoadTakesDefaultsForWhatIsNotSet(t *testing.T) {
	local := settings{Port: 8080}
	c, err := Load("escala", fake{"escala:target": "local", "aws:region": "eu-west-1"}, sections(&local))
	require.NoError(t, err)
	assert.Equal(t, Config{Target: "local", Service: service.NewSpec(), Gate: Gate{Timeout: 5 * time.Minute}}, c)
	assert.Equal(t, 8080, local.Port)
}

func TestTheGateWaitsForTheReleaseCommandToo(t *testing.T) {
	local := settings{Port: 8080}
	c, err := Load("escala", fake{
		"escala:target": "local", "escala:service": `{"release": {"command": ["api", "migrate"]}}`,
	}, sections(&local))
	require.NoError(t, err)
	assert.Equal(t, 10*time.Minute, c.Gate.Timeout)
}

func TestTheGateWaitsForTheBakeToo(t *testing.T) {
	local := settings{Port: 8080}
	c, err := Load("escala", fake{
		"escala:target": "local", "escala:service": `{"release": {"command": ["api", "migrate"], "bake": "2m", "bakeErrors": "0.5%"}}`,
	}, sections(&local))
	require.NoError(t, err)
	assert.Equal(t, 12*time.Minute, c.Gate.Timeout)
	assert.Equal(t, service.Bake{Time: 2 * time.Minute, Errors: "0.5%"}, c.Service.Bake)
	_, err = Load("escala", fake{
		"escala:target": "local", "escala:gate": `{"timeout": "7m"}`,
		"escala:service": `{"release": {"command": ["api", "migrate"], "bake": "2m"}}`,
	}, sections(&local))
	require.EqualError(t, err, "gate.timeout: 7m0s is not above service.release.bake and service.release.timeout (7m0s): the update would give up while the release is still watched")
}

func TestLoadReadsEveryKind(t *testing.T) {
	local := settings{Port: 8080}
	c, err := Load("escala", fake{
		"escala:target":  "local",
		"escala:local":   `{"port": 9090.0}`,
		"escala:gate":    `{"timeout": "1m30s"}`,
		"escala:secrets": `{"KEY": "k", "OTHER": "o"}`,
		"escala:service": `{"name": "chat", "env": {"A": "b"}, "secrets": ["KEY", "OTHER"], "workers": {"count": 3}, "webSocket": {"rooms": true}, "redis": {"mode": "local"}, "lifecycle": {"drain": "10s"}}`,
	}, sections(&local))
	require.NoError(t, err)
	want := service.NewSpec()
	want.Name = "chat"
	want.Env = map[string]string{"A": "b"}
	want.Secrets = []string{"KEY", "OTHER"}
	want.Workers.Count = 3
	want.WebSocket.Rooms = true
	want.Redis.Mode = service.RedisLocal
	want.Lifecycle.Drain = 10 * time.Second
	assert.Equal(t, want, c.Service)
	assert.Equal(t, 90*time.Second, c.Gate.Timeout)
	assert.Equal(t, 9090, local.Port)
}

// shared holds the settings that several sections have in common.
type shared struct {
	Namespace string `config:"namespace"`
}

func TestLoadReadsEmbeddedSettingsAsTheSectionsOwn(t *testing.T) {
	cluster := struct {
		shared
		Context string `config:"context"`
	}{shared: shared{Namespace: "a"}}
	all := []Section{{Target: "cluster", Key: "cluster", Settings: &cluster}}
	_, err := Load("escala", fake{"escala:target": "cluster", "escala:cluster": `{"namespace": "b", "context": "c"}`}, all)
	require.NoError(t, err)
	assert.Equal(t, "b", cluster.Namespace)
	assert.Equal(t, "c", cluster.Context)
	_, err = Load("escala", fake{"escala:target": "cluster", "escala:cluster": `{"shared": {}, "namespce": "b"}`}, all)
	var v service.Violations
	require.ErrorAs(t, err, &v)
	assert.Equal(t, service.Violations{
		{Path: "cluster.namespce", Problem: `is not a key; did you mean "namespace"?`},
		{Path: "cluster.shared", Problem: "is not a key; known here: context, namespace"},
	}, v)
}

func TestLoadReportsEverythingAtOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		source fake
		want   service.Violations
	}{
		"no target": {fake{}, service.Violations{
			{Path: "target", Problem: "is not set; it is one of local, aws-ec2"},
		}},
		"unknown target": {fake{"escala:target": "gcp"}, service.Violations{
			{Path: "target", Problem: `"gcp" is not a target; it is one of local, aws-ec2`},
		}},
		"a misspelt target and its section": {fake{"escala:target": "locl", "escala:local": `{"port": 8081}`}, service.Violations{
			{Path: "target", Problem: `"locl" is not a target; did you mean "local"?`},
		}},
		"target of another kind": {fake{"escala:target": `["local"]`}, service.Violations{
			{Path: "target", Problem: `["local"] is not the name of a target; it is one of local, aws-ec2`},
		}},
		"a section of another target": {fake{"escala:target": "local", "escala:aws": "{}"}, service.Violations{
			{Path: "aws", Problem: `belongs to another target than "local"; remove it`},
		}},
		"misspelt and ill-typed keys on every level": {fake{
			"escala:target":  "local",
			"escala:servise": "{}",
			"escala:local":   `{"port": "8080", "prot": 1}`,
			"escala:gate":    `{"timeout": 30}`,
			"escala:service": `{"env": {"A": 1}, "name": 7, "port": 1.5, "secrets": "KEY", "webSocket": {"rooms": "yes"}, "workers": 4, "zzz": null}`,
		}, service.Violations{
			{Path: "gate.timeout", Problem: `30 is not a duration such as "20s" or "1m30s"`},
			{Path: "local.port", Problem: `"8080" is not a whole number`},
			{Path: "local.prot", Problem: `is not a key; did you mean "port"?`},
			{Path: "service.env.A", Problem: "1 is not a text; put the value in quotes"},
			{Path: "service.name", Problem: "7 is not a text; put the value in quotes"},
			{Path: "service.port", Problem: "1.5 is not a whole number"},
			{Path: "service.secrets", Problem: `"KEY" is not a list`},
			{Path: "service.webSocket.rooms", Problem: `"yes" is neither true nor false`},
			{Path: "service.workers", Problem: "4 is not a mapping of keys"},
			{Path: "service.zzz", Problem: "is not a key; known here: binary, command, dns, env, files, folder, healthPath, host, lifecycle, limits, metrics, name, package, packages, pathPrefix, port, processes, readyPath, redis, release, resources, runtime, scale, schedule, secrets, source, tls, trustedProxies, webSocket, workers"},
			{Path: "servise", Problem: `is not a key; did you mean "service"?`},
		}},
		"broken JSON": {fake{"escala:target": "local", "escala:service": `{"name": `}, service.Violations{
			{Path: "service", Problem: `"{\"name\": " is not a mapping of keys`},
		}},
		"a gate that could not pass": {fake{"escala:target": "local", "escala:gate": `{"timeout": "1s"}`}, service.Violations{
			{Path: "gate.timeout", Problem: "1s is below 10s: no release rolls out in less"},
		}},
		"a gate that ends before the release command": {fake{"escala:target": "local", "escala:gate": `{"timeout": "5m"}`, "escala:service": `{"release": {"command": ["api", "migrate"], "timeout": "6m"}}`}, service.Violations{
			{Path: "gate.timeout", Problem: "5m0s is not above service.release.timeout (6m0s): the update would give up while the release command still runs"},
		}},
		"what the description itself forbids": {fake{"escala:target": "local", "escala:service": `{"workers": {"count": 0}, "lifecycle": {"drain": "40s"}}`}, service.Violations{
			{Path: "service.workers.count", Problem: "0 is not from 2 to 64 (one worker must serve while another is replaced)"},
			{Path: "service.lifecycle.stop", Problem: "30s is too short: announce (5s) + drain (40s) + 2s to say what was still open is 47s; the supervisor would kill a worker that is still draining"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load("escala", tt.source, sections(&settings{Port: 1}))
			var got service.Violations
			require.ErrorAs(t, err, &got)
			assert.Equal(t, tt.want, got)
		})
	}
}

// TestEveryFieldOfTheDescriptionIsAKey checks that each field of the description can
// be configured. Without this test, only a user would notice a field without a tag
// or of a type that cannot be decoded.
func TestEveryFieldOfTheDescriptionIsAKey(t *testing.T) {
	everything := `{"name": "n", "port": 4000, "healthPath": "/h", "readyPath": "/r", "env": {}, "secrets": [],
		"workers": {"mode": "shared", "count": 2, "portsBase": 3001},
		"resources": {"memoryMiB": 64, "cpuMillis": 10},
		"webSocket": {"rooms": false, "pingInterval": "20s", "proxyIdle": "60s"},
		"redis": {"mode": "url", "url": "redis://r:6379/0"},
		"lifecycle": {"start": "10s", "steady": "2s", "announce": "1s", "linger": "3s", "closeJitter": "4s", "drain": "9s", "stop": "20s"}}`
	c, err := Load("escala", fake{"escala:target": "local", "escala:service": everything}, sections(&settings{}))
	require.NoError(t, err)
	assert.Equal(t, service.Lifecycle{Start: 10 * time.Second, Steady: 2 * time.Second, Announce: time.Second, Linger: 3 * time.Second, CloseJitter: 4 * time.Second, Drain: 9 * time.Second, Stop: 20 * time.Second}, c.Service.Lifecycle)
	assert.Equal(t, service.Redis{Mode: service.RedisURL, URL: "redis://r:6379/0"}, c.Service.Redis)
}

func TestCertificateIsASecretThatNoWorkerGets(t *testing.T) {
	own := `{"host": "api.example.com", "tls": {"mode": "certificate", "certificate": "TLS_CERTIFICATE"}}`
	_, err := Load("escala", fake{"escala:target": "local", "escala:service": own, "escala:secrets": `{"TLS_CERTIFICATE": "pem"}`}, sections(&settings{}))
	require.NoError(t, err)
	_, err = Load("escala", fake{"escala:target": "local", "escala:service": own}, sections(&settings{}))
	var v service.Violations
	require.ErrorAs(t, err, &v)
	assert.Equal(t, service.Violations{{
		Path:    "secrets.TLS_CERTIFICATE",
		Problem: "is not set, but service.tls.certificate names it: pulumi config set --secret --path 'escala:secrets.TLS_CERTIFICATE' < fullchain-and-key.pem",
	}}, v)
}

func TestErrorSaysThatNothingWasChanged(t *testing.T) {
	err := Error("local", service.Violations{{Path: "a", Problem: "x"}, {Path: "b", Problem: "y"}})
	require.EqualError(t, err, "the configuration of stack local cannot be used, nothing was changed:\n  a: x\n  b: y")
	require.NoError(t, Error("local", nil))
}

// TestDefaultsThatDependOnTheRuntime checks that without escala's runtime each
// worker has a port of its own, and that the health path is also the ready path.
func TestDefaultsThatDependOnTheRuntime(t *testing.T) {
	for name, test := range map[string]struct {
		service string
		mode    service.WorkersMode
		ready   string
	}{
		"escala":      {`{}`, service.WorkersShared, "/ready"},
		"none":        {`{"runtime": "none", "healthPath": "/up"}`, service.WorkersPorts, "/up"},
		"what is set": {`{"runtime": "none", "readyPath": "/warm", "workers": {"mode": "ports"}}`, service.WorkersPorts, "/warm"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Load("escala", fake{"escala:target": "local", "escala:service": test.service}, []Section{{Target: "local", Key: "local", Settings: &struct{}{}}})
			require.NoError(t, err)
			assert.Equal(t, test.mode, c.Service.Workers.Mode)
			assert.Equal(t, test.ready, c.Service.ReadyPath)
		})
	}
}

// TestProcessesAndSchedulesHaveDefaults checks that entries of a mapping begin with
// their own defaults, and keep the typed values.
func TestProcessesAndSchedulesHaveDefaults(t *testing.T) {
	c, err := Load("escala", fake{
		"escala:target":  "local",
		"escala:service": `{"processes":{"mailer":{"command":["api","mail"],"count":2}},"schedule":{"report":{"cron":"@daily","command":["api","report"],"timeout":"5m"}}}`,
	}, []Section{{Target: "local", Key: "local", Settings: &struct{}{}}})
	require.NoError(t, err)
	assert.Equal(t, map[string]service.Process{"mailer": {Command: []string{"api", "mail"}, Count: 2, Stop: 30 * time.Second}}, c.Service.Processes)
	assert.Equal(t, map[string]service.Schedule{"report": {Cron: "@daily", Command: []string{"api", "report"}, Timeout: 5 * time.Minute, Overlap: service.OverlapSkip}}, c.Service.Schedule)
}
