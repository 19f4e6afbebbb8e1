package apiserver_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/targets/kubernetes"
	"escala/infra/testing/apiserver"
	"escala/infra/testing/selfsigned"
	"escala/service"
)

// TestTheServerTakesTheIssuer checks that a cluster with the definition of
// cert-manager accepts the Issuer of a stack, with strict validation.
func TestTheServerTakesTheIssuer(t *testing.T) {
	server := apiserver.Start(t)
	cluster := server.Objects(t)
	content, err := os.ReadFile(filepath.Join("testdata", "issuer-crd.yaml"))
	require.NoError(t, err)
	for _, definition := range documents(t, content) {
		_, err := cluster.Apply(t.Context(), definition)
		require.NoError(t, err)
	}

	authority := filepath.Join(t.TempDir(), "authority.pem")
	root, _, _ := strings.Cut(selfsigned.PEM(t, "authority.example.com"), "-----BEGIN PRIVATE")
	require.NoError(t, os.WriteFile(authority, []byte(root), 0o600))
	for name, change := range map[string]func(*service.TLS){
		"as it is": func(*service.TLS) {},
		"everything of ACME": func(s *service.TLS) {
			s.Email, s.Authority, s.AuthorityCA = "ops@example.com", "https://acme.example.com/directory", authority
		},
	} {
		t.Run(name, func(t *testing.T) {
			spec := service.NewSpec()
			spec.Host, spec.TLS.Names, spec.TLS.Mode = "api.example.com", []string{"www.example.com"}, service.TLSACME
			change(&spec.TLS)
			objects := onKubernetes(t, newNamespace(), spec, nil, func(*kubernetes.WorkloadSettings) {})
			issuers := ofKind(objects, "Issuer")
			require.Len(t, issuers, 1)
			// The server serves a new kind with a short delay.
			require.Eventually(t, func() bool {
				_, err := cluster.Apply(t.Context(), objects[0])
				require.NoError(t, err)
				_, err = cluster.Apply(t.Context(), issuers[0])
				return err == nil
			}, time.Minute, 100*time.Millisecond)
			once := applyAll(t, cluster, objects)
			assert.Equal(t, once, applyAll(t, cluster, objects))

			acme := func(key string, value any) map[string]any {
				changed := clone(issuers[0])
				changed["spec"].(map[string]any)["acme"].(map[string]any)[key] = value
				return changed
			}
			_, err := cluster.Apply(t.Context(), acme("accountKey", "x"))
			require.ErrorContains(t, err, ".spec.acme.accountKey: field not declared in schema")
			_, err = cluster.Apply(t.Context(), acme("privateKeySecretRef", map[string]any{"key": "x"}))
			assert.ErrorContains(t, err, "spec.acme.privateKeySecretRef.name: Required value")
		})
	}
}

// TestTheServerTakesACertificate checks that the server accepts a stack's own
// certificate, and refuses it without its key.
func TestTheServerTakesACertificate(t *testing.T) {
	server := apiserver.Start(t)
	for name, on := range map[string]stack{"kubernetes": onKubernetes, "do-doks": onDOKS} {
		t.Run(name, func(t *testing.T) {
			cluster := server.Objects(t)
			spec := service.NewSpec()
			spec.Host, spec.TLS.Mode, spec.TLS.Certificate = "api.example.com", service.TLSCertificate, "TLS_CERTIFICATE"
			secrets := map[string]string{"TLS_CERTIFICATE": selfsigned.PEM(t, "api.example.com")}
			objects := on(t, newNamespace(), spec, secrets, func(*kubernetes.WorkloadSettings) {})
			// If an apply sets no field, as for Traefik's namespace, the server
			// records the field manager only when the object is applied again.
			applyAll(t, cluster, objects)
			once := applyAll(t, cluster, objects)
			assert.Equal(t, once, applyAll(t, cluster, objects))

			secret := slices.IndexFunc(objects, func(o map[string]any) bool { return o["type"] == "kubernetes.io/tls" })
			require.GreaterOrEqual(t, secret, 0)
			other := clone(objects[secret])
			other["metadata"].(map[string]any)["name"] = "other"
			delete(other["stringData"].(map[string]any), "tls.key")
			_, err := cluster.Apply(t.Context(), other)
			assert.ErrorContains(t, err, "data[tls.key]: Required value")
		})
	}
}
