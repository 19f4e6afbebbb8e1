package apiserver_test

import (
	"cmp"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"escala/infra/targets/awseks"
	"escala/infra/targets/dodoks"
	"escala/infra/targets/kubernetes"
	"escala/infra/testing/pulumitest"
	"escala/service"
)

// stack renders a target with names that are unique to each test case.
type stack func(t *testing.T, namespace string, spec service.Spec, secrets map[string]string, change func(*kubernetes.WorkloadSettings)) []map[string]any

// onKubernetes renders for any cluster that a kubeconfig reaches.
func onKubernetes(t *testing.T, namespace string, spec service.Spec, secrets map[string]string, change func(*kubernetes.WorkloadSettings)) []map[string]any {
	t.Helper()
	on := kubernetes.New()
	settings := on.Settings().(*kubernetes.Settings)
	settings.Namespace, settings.IngressClass = namespace, "traefik"
	change(&settings.WorkloadSettings)
	if settings.Image == "" {
		settings.Registry = "registry.example.com/team/api"
	}
	return render(t, on, request(t, spec, secrets), &pulumitest.Mocks{})
}

// onEKS renders for AWS with simulated answers.
func onEKS(t *testing.T, namespace string, spec service.Spec, secrets map[string]string, change func(*kubernetes.WorkloadSettings)) []map[string]any {
	t.Helper()
	on := awseks.New()
	settings := on.Settings().(*awseks.Settings)
	settings.Namespace = namespace
	change(&settings.WorkloadSettings)
	const arn = "arn:aws:iam::123456789012:user/somebody"
	answer := func(values map[string]any) func(map[string]any) (map[string]any, error) {
		return func(map[string]any) (map[string]any, error) { return values, nil }
	}
	return render(t, on, request(t, spec, secrets), &pulumitest.Mocks{
		Outputs: func(kind, name string) map[string]any {
			return map[string]any{
				"arn":                    "arn:aws:made:eu-central-1:123456789012:up/" + name,
				"repositoryUrl":          "123456789012.dkr.ecr.eu-central-1.amazonaws.com/escala/api",
				"registryId":             "123456789012",
				"endpoint":               "https://cluster.example.com",
				"certificateAuthorities": []any{map[string]any{"data": "Y2VydGlmaWNhdGU="}},
			}
		},
		Functions: map[string]func(map[string]any) (map[string]any, error){
			"aws:index/getCallerIdentity:getCallerIdentity": answer(map[string]any{"accountId": "123456789012", "arn": arn, "userId": "X"}),
			"aws:iam/getSessionContext:getSessionContext":   answer(map[string]any{"arn": arn, "issuerArn": arn}),
			"aws:index/getAvailabilityZones:getAvailabilityZones": answer(map[string]any{
				"names": []any{"eu-central-1a", "eu-central-1b", "eu-central-1c"},
			}),
			"aws:eks/getClusterVersions:getClusterVersions": answer(map[string]any{
				"clusterVersions": []any{map[string]any{"clusterVersion": cmp.Or(settings.Version, "1.36")}},
			}),
			"aws:ecr/getAuthorizationToken:getAuthorizationToken": answer(map[string]any{"userName": "AWS", "password": "x"}),
		},
	})
}

// onDOKS renders for DigitalOcean with simulated answers.
func onDOKS(t *testing.T, namespace string, spec service.Spec, secrets map[string]string, change func(*kubernetes.WorkloadSettings)) []map[string]any {
	t.Helper()
	on := dodoks.New()
	settings := on.Settings().(*dodoks.Settings)
	settings.Namespace = namespace
	change(&settings.WorkloadSettings)
	answer := func(values map[string]any) func(map[string]any) (map[string]any, error) {
		return func(map[string]any) (map[string]any, error) { return values, nil }
	}
	return render(t, on, request(t, spec, secrets), &pulumitest.Mocks{
		Outputs: func(kind, name string) map[string]any {
			return map[string]any{
				"endpoint":          "registry.digitalocean.com/escala",
				"serverUrl":         "registry.digitalocean.com",
				"dockerCredentials": `{"auths":{}}`,
				"kubeConfigs":       []any{map[string]any{"rawConfig": "{}", "host": "https://cluster.example.com", "clusterCaCertificate": "Y2VydGlmaWNhdGU="}},
			}
		},
		Functions: map[string]func(map[string]any) (map[string]any, error){
			"digitalocean:index/getRegion:getRegion": answer(map[string]any{"available": true, "sizes": []any{settings.Size}}),
			"digitalocean:index/getKubernetesCluster:getKubernetesCluster": func(map[string]any) (map[string]any, error) {
				return nil, errors.New("Unable to find cluster with name: x")
			},
			"digitalocean:index/getKubernetesVersions:getKubernetesVersions": answer(map[string]any{
				"validVersions": []any{settings.Version + ".1-do.0"}, "latestVersion": settings.Version + ".1-do.0",
			}),
		},
	})
}

var stacks = map[string]stack{"kubernetes": onKubernetes, "aws-eks": onEKS, "do-doks": onDOKS}

// description is a possible description of a service.
type description struct {
	spec     func(*service.Spec)
	settings func(*kubernetes.WorkloadSettings)
	secrets  map[string]string
}

// existing is an image from another build.
const existing = "ghcr.io/you/api@sha256:d2e18f3410b6f616de1417f570fa55261af2898b9c5b2cfb6781ce2373ea43d1"

var descriptions = map[string]description{
	"default": {},
	"rooms": {spec: func(s *service.Spec) {
		s.WebSocket.Rooms = true
		s.Redis.Mode = service.RedisLocal
	}},
	"secrets and environment": {
		spec: func(s *service.Spec) {
			s.Secrets = []string{"DATABASE_URL", "SESSION_KEYS"}
			s.Env = map[string]string{"GREETING": "hello: \"world\" #{}", "EMPTY": "", "NUMBER": "0123", "BOOL": "yes"}
		},
		secrets: map[string]string{"DATABASE_URL": "postgres://user:p%ss@host/db", "SESSION_KEYS": "k1:AAAA"},
	},
	"host and TLS": {
		spec:     func(s *service.Spec) { s.Host = "api.example.com" },
		settings: func(w *kubernetes.WorkloadSettings) { w.TLSSecret = "api-tls" },
	},
	"fixed number": {spec: func(s *service.Spec) { s.Scale.Replicas = 2 }},
	"another image": {settings: func(w *kubernetes.WorkloadSettings) {
		w.Image, w.ImagePullSecret = existing, "ghcr"
	}},
	"processes and schedules": {spec: func(s *service.Spec) {
		s.Redis.Mode = service.RedisLocal
		s.ReleaseCommand = service.ReleaseCommand{Command: []string{"api", "migrate"}, Timeout: time.Minute}
		s.Processes = map[string]service.Process{
			"mailer": {Command: []string{"api", "mail"}, Count: 2, Stop: time.Minute, MemoryMiB: 64},
			"index":  {Command: []string{"./api", "index"}, Count: 1, Stop: time.Second},
		}
		s.Schedule = map[string]service.Schedule{
			"report": {Cron: "30 3 1,15 * mon-fri,7", Command: []string{"api", "report"}, Timeout: time.Hour, Overlap: service.OverlapSkip},
			"sync":   {Cron: "@hourly", Command: []string{"api", "sync"}, Timeout: time.Minute, Overlap: service.OverlapReplace, MemoryMiB: 32},
		}
	}},
	"everything larger": {spec: func(s *service.Spec) {
		s.Port, s.PathPrefix = 8443, "/v1"
		s.Scale = service.Scale{Min: 2, Max: 50, CPU: 150, ScaleDown: time.Hour}
		s.Resources.MemoryMiB, s.Resources.CPUMillis, s.Resources.CPULimitMillis = 1024, 500, 2000
		s.Lifecycle.Announce, s.Lifecycle.Drain, s.Lifecycle.Stop = 20*time.Second, 40*time.Second, 90*time.Second
		s.HealthPath, s.ReadyPath = "/v1/healthz", "/v1/readyz"
	}},
}

// objects returns a stack's objects for a description.
func (d description) objects(t *testing.T, on stack, namespace string) []map[string]any {
	t.Helper()
	spec := service.NewSpec()
	if d.spec != nil {
		d.spec(&spec)
	}
	change := d.settings
	if change == nil {
		change = func(*kubernetes.WorkloadSettings) {}
	}
	return on(t, namespace, spec, d.secrets, change)
}

var namespaces atomic.Int64

// newNamespace returns a unique name: without controllers, a namespace is never
// deleted.
func newNamespace() string { return fmt.Sprintf("test-%d", namespaces.Add(1)) }
