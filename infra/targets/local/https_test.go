package local

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/pulumitest"
	"escala/service"
)

// TestWithoutAHostNothingIsOfHTTPS checks that without a host there is no resource
// and no input for HTTPS. So an existing machine is not replaced.
func TestWithoutAHostNothingIsOfHTTPS(t *testing.T) {
	m := &pulumitest.Mocks{}
	require.NoError(t, m.Preview(New(), request(t, "api")))
	assert.Empty(t, m.OfType("escala:local:Authority"))
	require.Len(t, m.OfType("escala:local:Address"), 1)
	for _, kind := range []string{"escala:local:Address", "escala:local:Machine"} {
		inputs := m.OfType(kind)[0].Inputs
		for _, key := range []string{"authority", "targetPort"} {
			assert.NotContains(t, inputs, key, kind)
		}
	}
}

func TestAHostGetsAnAuthorityAndASecondPort(t *testing.T) {
	m := &pulumitest.Mocks{}
	r := request(t, "api")
	r.Spec.Host = "api.localhost"
	require.NoError(t, m.Preview(New(), r))
	require.Len(t, m.OfType("escala:local:Authority"), 1)
	var ports []any
	for _, a := range m.OfType("escala:local:Address") {
		ports = append(ports, a.Inputs["port"])
		if a.Name == "https-address" {
			assert.InDelta(t, 443, a.Inputs["targetPort"], 0)
		}
	}
	assert.ElementsMatch(t, []any{8080.0, 8443.0}, ports)
}

func TestHTTPSOfACloudIsRefused(t *testing.T) {
	for path, change := range map[string]func(*service.Spec, *Settings){
		"service.tls.mode": func(s *service.Spec, _ *Settings) { s.Host, s.TLS.Mode = "", service.TLSIP },
		"service.tls.authority": func(s *service.Spec, _ *Settings) {
			s.TLS.Authority = service.AuthorityStaging
		},
		"service.dns":     func(s *service.Spec, _ *Settings) { s.DNS = true },
		"local.httpsPort": func(_ *service.Spec, l *Settings) { l.HTTPSPort = l.Port },
	} {
		r := request(t, "api")
		r.Offline, r.Spec.Host = true, "api.localhost"
		l := New()
		change(&r.Spec, &l.settings)
		var v service.Violations
		require.ErrorAs(t, l.Check(t.Context(), r), &v, path)
		require.Len(t, v, 1)
		assert.Equal(t, path, v[0].Path)
	}
	r := request(t, "api")
	r.Offline, r.Spec.Host = true, "api.localhost"
	require.NoError(t, New().Check(t.Context(), r))
}
