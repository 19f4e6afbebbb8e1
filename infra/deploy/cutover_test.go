package deploy

import (
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
	"escala/service/machine"
)

var release = service.ReleaseID(strings.Repeat("a", 64))

// mocks gives each resource an id, which is its name.
type mocks struct {
	mu   sync.Mutex
	made []string
}

func (m *mocks) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made = append(m.made, args.Name)
	return args.Name, args.Inputs, nil
}

func (*mocks) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) { return nil, nil }

// node starts a machine at a loopback address, and returns its host and port.
func node(t *testing.T, id, at string) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Release", string(release))
		if r.URL.Path == machine.StatusPath {
			_ = json.NewEncoder(w).Encode(machine.Status{
				Machine: id, Phase: "serving", Wanted: release, Current: release,
				Workers:     []machine.Worker{{Release: release, Ready: true}},
				Certificate: &machine.Certificate{Error: "rateLimited: too many certificates"},
			})
		}
	}))
	listener, err := net.Listen("tcp", at+":0")
	if err != nil {
		t.Skipf("this computer has one loopback address: %s", err)
	}
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// secure starts an HTTPS server for example.com, the name in httptest's own
// certificate. It returns the server's port and the path of its root certificate.
func secure(t *testing.T) (port, ca string) {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	return port, ca
}

// cutOver runs a cutover from nothing to a machine, and returns what was
// registered and the endpoint's outputs.
func cutOver(t *testing.T, c Cutover, spec service.Spec, own, stable string) ([]string, map[string]string, error) {
	t.Helper()
	m := &mocks{}
	outputs := map[string]string{}
	var mu sync.Mutex
	keep := func(name string, value pulumi.Output) {
		value.ApplyT(func(v any) any {
			mu.Lock()
			defer mu.Unlock()
			outputs[name], _ = v.(string)
			return v
		})
	}
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		made, err := random.NewRandomId(ctx, "machine", &random.RandomIdArgs{ByteLength: pulumi.Int(1)})
		if err != nil {
			return err
		}
		c.Machine, c.Own, c.Stable = made, pulumi.String(own).ToStringOutput(), pulumi.String(stable).ToStringOutput()
		c.Published = pulumi.String(release).ToStringOutput()
		c.Move = func(healthy pulumi.StringOutput) (pulumi.CustomResource, error) {
			return random.NewRandomId(ctx, "move", &random.RandomIdArgs{ByteLength: pulumi.Int(1), Prefix: healthy})
		}
		c.Ask = func(string) string { return "" }
		endpoint, err := c.Run(ctx, Request{Spec: spec, GateTimeout: 3 * time.Second})
		if err != nil {
			return err
		}
		keep("url", endpoint.URL)
		for name, output := range endpoint.Outputs {
			keep(name, output.(pulumi.StringOutput))
		}
		return nil
	}, pulumi.WithMocks("escala", "test", m))
	mu.Lock()
	defer mu.Unlock()
	return m.made, outputs, err
}

func secureSpec(ca string) service.Spec {
	spec := service.NewSpec()
	spec.Workers.Count = 1
	spec.Host, spec.TLS.AuthorityCA = "example.com", ca
	return spec
}

// TestCutoverKeepsHTTPS checks that a machine without the stack's certificates
// does not get the address.
func TestCutoverKeepsHTTPS(t *testing.T) {
	port, ca := secure(t)
	// The stable address serves HTTPS at the port. The new machine's own address
	// does not, and the machine is healthy otherwise.
	own, stable := node(t, "machine", "127.0.0.2"), node(t, "another", "127.0.0.1")
	made, _, err := cutOver(t, Cutover{httpsPort: port}, secureSpec(ca), own, stable)
	require.ErrorContains(t, err, "the stack has HTTPS, and this machine would take it away")
	require.ErrorContains(t, err, "the machine reports: rateLimited: too many certificates")
	assert.NotContains(t, made, "move")

	// Without HTTPS before, the machine gets the address, and the update reports
	// what is missing.
	at := node(t, "machine", "127.0.0.1")
	made, outputs, err := cutOver(t, Cutover{httpsPort: "1"}, secureSpec(ca), at, at)
	require.NoError(t, err)
	assert.Contains(t, made, "move")
	assert.Equal(t, "http://"+at, outputs["url"])
	assert.True(t, strings.HasPrefix(outputs["https"], "waiting: "), outputs["https"])
	assert.Contains(t, outputs["https"], "; the service serves http://"+at+" meanwhile")
}

// TestCutoverWithoutHTTPS checks that nothing is added to a stack without HTTPS.
func TestCutoverWithoutHTTPS(t *testing.T) {
	spec := service.NewSpec()
	spec.Workers.Count = 1
	at := node(t, "machine", "127.0.0.1")
	_, outputs, err := cutOver(t, Cutover{}, spec, at, at)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"url": "http://" + at}, outputs)
}

func TestPublicURL(t *testing.T) {
	spec := service.NewSpec()
	spec.Host = "api.example.com"
	assert.Equal(t, "http://198.51.100.7", publicURL(spec, "http://198.51.100.7", "waiting: x", "198.51.100.7"))
	assert.Equal(t, "https://api.example.com", publicURL(spec, "http://198.51.100.7", "serving", "198.51.100.7"))
	spec.Host = ""
	assert.Equal(t, "https://198.51.100.7", publicURL(spec, "http://198.51.100.7", "serving", "198.51.100.7"))
}
