package pm2

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// These are the mount points on a machine of the tutorial.
const (
	mountedApp = "/srv/app"
	mountedCA  = "/srv/ca.crt"
)

// tutorialUserData sets up a machine as the tutorial describes, in cloud-init's
// own format: Debian's packages, npm's, PM2 in cluster mode, Nginx with pattern
// A. To favour the tutorial, Debian's recommended packages are left out (npm's
// alone are hundreds of packages), and the application is already compiled.
func tutorialUserData(ctx context.Context, workers int) ([]byte, error) {
	registry, err := exec.CommandContext(ctx, "npm", "config", "get", "registry").Output()
	if err != nil {
		return nil, fmt.Errorf("asking npm for its registry: %w", err)
	}
	type file struct {
		Path    string `yaml:"path"`
		Content string `yaml:"content"`
		Defer   bool   `yaml:"defer,omitempty"`
	}
	nginx := tutorialNginx(patternA, 80, []string{local(3000)})
	// Only the part of the server block is needed; the rest is Debian's own.
	_, server, _ := strings.Cut(nginx, "\tserver {")
	server = "server {" + strings.TrimSuffix(strings.TrimSpace(server), "}")
	server = strings.Replace(server, "listen 127.0.0.1:80;", "listen 80 default_server;", 1)
	config := struct {
		Locale        string     `yaml:"locale"`
		WriteFiles    []file     `yaml:"write_files"`
		PackageUpdate bool       `yaml:"package_update"`
		Packages      []string   `yaml:"packages"`
		RunCmd        [][]string `yaml:"runcmd"`
	}{
		Locale: "C.UTF-8",
		WriteFiles: []file{
			{Path: "/etc/apt/apt.conf.d/99recommends", Content: "APT::Install-Recommends \"false\";\n"},
			{Path: "/etc/nginx/conf.d/api.conf", Content: server, Defer: true},
		},
		PackageUpdate: true,
		Packages:      []string{"nodejs", "npm", "nginx"},
		RunCmd: [][]string{
			{"rm", "-f", "/etc/nginx/sites-enabled/default"},
			{"systemctl", "reload", "nginx"},
			{"cp", "-R", mountedApp, "/opt/api"},
			{
				"env", "HOME=/root", "NODE_EXTRA_CA_CERTS=" + mountedCA, "npm_config_cafile=" + mountedCA,
				"npm_config_registry=" + strings.TrimSpace(string(registry)),
				"PORT=3000", "WORKERS=" + strconv.Itoa(workers), "PM2_DISABLE_VERSION_CHECK=true",
				"sh", "-euc", "cd /opt/api && npm ci --omit=dev --ignore-scripts --no-audit --no-fund && node_modules/.bin/pm2 start ecosystem.config.js && node_modules/.bin/pm2 save",
			},
		},
	}
	text, err := yaml.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("writing the tutorial's user-data: %w", err)
	}
	return append([]byte("#cloud-config\n"), text...), nil
}

// deployable copies the deployed files of the application: all except
// node_modules.
func deployable(app App, folder string) error {
	for _, name := range []string{"package.json", "package-lock.json", "ecosystem.config.js", "dist"} {
		from, to := filepath.Join(app.Folder, name), filepath.Join(folder, name)
		info, err := os.Stat(from)
		if err != nil {
			return fmt.Errorf("copying the application: %w", err)
		}
		if info.IsDir() {
			err = os.CopyFS(to, os.DirFS(from))
		} else {
			var content []byte
			if content, err = os.ReadFile(from); err == nil {
				err = os.WriteFile(to, content, 0o644)
			}
		}
		if err != nil {
			return fmt.Errorf("copying the application: %w", err)
		}
	}
	return nil
}

// certificates returns the file of the certificate authorities that this computer
// trusts: npm may have to go through an authority of its own.
func certificates() (string, error) {
	const debian = "/etc/ssl/certs/ca-certificates.crt"
	if _, err := os.Stat(debian); err != nil {
		return "", errors.Join(errors.New("install Debian's ca-certificates"), err)
	}
	return debian, nil
}
