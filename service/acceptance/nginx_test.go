package acceptance

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// nginxConfig configures Nginx as on a machine: it keeps connections to the
// workers open for half of their linger, never marks a worker as failed, and
// upgrades a connection only on a client's request.
const nginxConfig = `
daemon off; pid %[1]s/nginx.pid; error_log stderr warn; worker_processes 1; user root;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream workers { %[2]s keepalive 32; keepalive_timeout 500ms; }
  server {
    listen 127.0.0.1:%[3]d;
    location / {
      proxy_pass http://workers;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
    }
  }
}
`

// startNginx starts a proxy to the given addresses and returns its URL.
func startNginx(t *testing.T, workers ...string) string {
	t.Helper()
	nginx := requireProgram(t, "nginx", "nginx")
	dir := socketDir(t)
	var upstream strings.Builder
	for _, w := range workers {
		fmt.Fprintf(&upstream, "server %s max_fails=0; ", w)
	}
	port := freePort(t)
	config := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, nginxConfig, dir, upstream.String(), port), 0o600))
	p := launch(t, nginx, []string{"-p", dir, "-c", config}, nil, nil)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	await(t, func() bool {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		return c.Close() == nil
	}, "%s", p.output())
	return "http://" + address
}
