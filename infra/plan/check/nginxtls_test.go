package check

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"escala/cloudinit"
	"escala/infra/plan"
	"escala/service"
)

// TestNginxOfHTTPSIsChecked checks that a machine's real configuration with HTTPS
// passes on a computer with the module, and that its faults are found.
func TestNginxOfHTTPSIsChecked(t *testing.T) {
	if _, err := installed("nginx"); err != nil || missingModule("load_module modules/ngx_http_lua_module.so;") != "" {
		t.Skip("this needs Nginx with Lua")
	}
	spec := service.NewSpec()
	spec.Host, spec.TLS.Names = "api.example.com", []string{"www.example.com"}
	m := cloudinit.NewMachine(spec)
	m.Agent = service.ReleaseID(strings.Repeat("a9", 32))
	m.Secrets = cloudinit.FileSecrets{TLS: cloudinit.TLSSecrets{Seed: strings.Repeat("5eed", 16)}}
	data, err := m.UserData()
	require.NoError(t, err)
	var config struct {
		WriteFiles []struct{ Path, Content string } `yaml:"write_files"`
	}
	require.NoError(t, yaml.Unmarshal(data, &config))
	machine := plan.Machine{Name: "vm"}
	for _, f := range config.WriteFiles {
		machine.Files = append(machine.Files, plan.File{Path: f.Path, Raw: f.Content})
	}
	for change, want := range map[string]string{"ssl_protocols": "notice vm: /etc/nginx/nginx.conf: nginx -t accepts it", "ssl_protokols": `error vm: /etc/nginx/nginx.conf: nginx -t refuses it: [emerg] unknown directive "ssl_protokols"`} {
		changed := machine
		changed.Files = append([]plan.File{}, machine.Files...)
		for i := range changed.Files {
			changed.Files[i].Raw = strings.ReplaceAll(changed.Files[i].Raw, "ssl_protocols", change)
		}
		only := func(program string) (string, error) {
			if program == "nginx" {
				return installed(program)
			}
			return "", exec.ErrNotFound
		}
		var found []string
		for _, f := range findings(t, plan.Stack{Machines: []plan.Machine{changed}}, only) {
			found = append(found, string(f.Level)+" "+f.Where+": "+f.What)
		}
		assert.Contains(t, strings.Join(found, "\n"), want)
	}
}

func TestMissingModuleIsANotice(t *testing.T) {
	assert.Equal(t, "no_such_module.so", missingModule("user x;\nload_module modules/no_such_module.so;\n"))
	assert.Empty(t, missingModule("events {}"))
}
