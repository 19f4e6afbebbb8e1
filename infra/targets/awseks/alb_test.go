package awseks

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/selfsigned"
	"escala/service"
)

func TestLoadBalancer(t *testing.T) {
	r := request()
	r.Spec.Host = "api.example.com"
	r.Spec.WebSocket.ProxyIdle = 200 * time.Second
	certificate := "arn:aws:acm:eu-central-1:123456789012:certificate/0123abcd"
	for _, tt := range []struct {
		name   string
		target *EKS
		ports  string
	}{
		{"http", New(), `[{"HTTP":80}]`},
		{"https", with(func(s *Settings) { s.CertificateARN = certificate }), `[{"HTTP":80},{"HTTPS":443}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := deployed(t, tt.target, r)
			params := m.Only(t, "kubernetes:eks.amazonaws.com/v1:IngressClassParams").Inputs["spec"].(map[string]any)
			assert.Equal(t, "internet-facing", params["scheme"])
			assert.Contains(t, params["loadBalancerAttributes"], map[string]any{"key": "idle_timeout.timeout_seconds", "value": "200"})
			assert.Contains(t, params["tags"], map[string]any{"key": "Stack", "value": "production"})
			how := m.Only(t, "kubernetes:networking.k8s.io/v1:Ingress").Inputs["metadata"].(map[string]any)["annotations"].(map[string]any)
			const alb = "alb.ingress.kubernetes.io/"
			assert.Equal(t, tt.ports, how[alb+"listen-ports"])
			assert.Equal(t, "ip", how[alb+"target-type"])
			assert.Equal(t, "/ready", how[alb+"healthcheck-path"])
			// The pod serves for 20 s more. After that, requests may take another 20
			// s.
			assert.Contains(t, how[alb+"target-group-attributes"], "deregistration_delay.timeout_seconds=40,")
			if tt.name == "https" {
				assert.Equal(t, []any{certificate}, params["certificateARNs"])
				assert.Equal(t, "443", how[alb+"ssl-redirect"])
			} else {
				assert.NotContains(t, params, "certificateARNs")
			}
			namespace := m.Only(t, "kubernetes:core/v1:Namespace").Inputs["metadata"].(map[string]any)["labels"].(map[string]any)
			assert.Equal(t, "enabled", namespace["eks.amazonaws.com/pod-readiness-gate-inject"])
		})
	}
}

func TestAPodOutlivesItsPlaceInTheLoadBalancer(t *testing.T) {
	spec := behindALB(service.NewSpec(), NewSettings())
	require.NoError(t, spec.Validate())
	assert.Equal(t, 20*time.Second, spec.Lifecycle.Announce)
	assert.Equal(t, 45*time.Second, spec.Lifecycle.Stop)
	assert.Equal(t, "10.30.0.0/16", spec.Environ()["TRUSTED_PROXIES"])
	assert.Equal(t, "1m30s", spec.Env["HTTP_IDLE_TIMEOUT"], "the load balancer closes idle connections first")
	assert.Equal(t, spec, behindALB(spec, NewSettings()), "twice is once")

	own := service.NewSpec()
	own.Lifecycle.Announce, own.Lifecycle.Stop = 30*time.Second, time.Minute
	own.Env = map[string]string{"TRUSTED_PROXIES": "10.0.0.1/32"}
	spec = behindALB(own, NewSettings())
	assert.Equal(t, own.Lifecycle, spec.Lifecycle)
	assert.Equal(t, "10.0.0.1/32", spec.Environ()["TRUSTED_PROXIES"])
	assert.Len(t, own.Env, 1, "what was given stays as it was")
}

// TestOwnCertificate checks that the operator's own certificate is imported, and
// that its key is a secret.
func TestOwnCertificate(t *testing.T) {
	r := request()
	r.Spec.Host, r.Spec.TLS.Mode, r.Spec.TLS.Certificate = "api.example.com", service.TLSCertificate, "TLS_CERTIFICATE"
	r.Spec.TLS.Redirect = false
	r.Secrets["TLS_CERTIFICATE"] = selfsigned.PEM(t, "api.example.com")
	m := deployed(t, New(), r)
	imported := m.Only(t, "aws:acm/certificate:Certificate")
	assert.Contains(t, imported.Inputs["certificateBody"], "BEGIN CERTIFICATE")
	assert.True(t, imported.Secret["privateKey"])
	assert.NotContains(t, imported.Inputs, "domainName")
	assert.Empty(t, m.OfType("aws:acm/certificateValidation:CertificateValidation"))
	how := m.Only(t, "kubernetes:networking.k8s.io/v1:Ingress").Inputs["metadata"].(map[string]any)["annotations"].(map[string]any)
	assert.NotContains(t, how, "alb.ingress.kubernetes.io/ssl-redirect")
	assert.Equal(t, `[{"HTTP":80},{"HTTPS":443}]`, how["alb.ingress.kubernetes.io/listen-ports"])
}
