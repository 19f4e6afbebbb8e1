package check

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"escala/cloudinit/agent/host"
	"escala/infra/plan"
)

// modules match the modules that a configuration loads.
var modules = regexp.MustCompile(`(?m)^\s*load_module\s+modules/([^;]+);`)

// moduleFolders are the folders of Nginx's modules on Debian and other systems.
var moduleFolders = []string{"/usr/share/nginx/modules", "/usr/lib/nginx/modules", "/usr/lib64/nginx/modules"}

// missingModule returns a module that the configuration loads and that this
// computer lacks, or "".
func missingModule(conf string) string {
	for _, match := range modules.FindAllStringSubmatch(conf, -1) {
		there := false
		for _, folder := range moduleFolders {
			_, err := os.Stat(filepath.Join(folder, match[1]))
			there = there || err == nil
		}
		if !there {
			return match[1]
		}
	}
	return ""
}

// withCertificates writes the files that Nginx reads into the tool's folder: the Lua
// modules, and the certificate that a machine with HTTPS makes before Nginx starts.
func withCertificates(conf string, t tool, m plan.Machine) (string, error) {
	if strings.Contains(conf, host.SelfSignedFile) {
		if err := host.Root(t.dir).SelfSigned(); err != nil {
			return "", err
		}
		conf = strings.ReplaceAll(conf, host.SelfSignedFile, t.dir+host.SelfSignedFile)
	}
	for _, f := range m.Files {
		if path.Ext(f.Path) != ".lua" {
			continue
		}
		if _, err := t.write(strings.TrimPrefix(f.Path, "/"), f.Raw); err != nil {
			return "", err
		}
		folder := path.Dir(f.Path) + "/"
		conf = strings.ReplaceAll(conf, "'"+folder+"?.lua", "'"+t.dir+folder+"?.lua")
	}
	return conf, nil
}
