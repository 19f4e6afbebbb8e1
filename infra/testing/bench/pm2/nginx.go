package pm2

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// nginx is an Nginx process with its own configuration.
type nginx struct{ daemon *daemon }

// startNginx runs Nginx with conf in folder. It does not touch this computer's
// own Nginx.
func startNginx(ctx context.Context, folder, conf string) (*nginx, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("making Nginx's folder: %w", err)
	}
	path := filepath.Join(folder, "nginx.conf")
	conf = strings.ReplaceAll(conf, "FOLDER", folder)
	if err := os.WriteFile(path, []byte(conf), 0o644); err != nil {
		return nil, fmt.Errorf("writing nginx.conf: %w", err)
	}
	if said, err := exec.CommandContext(ctx, "nginx", "-t", "-q", "-c", path).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("nginx -t: %w\n%s", err, lastLines(string(said), 5))
	}
	d, err := launch(exec.CommandContext(context.WithoutCancel(ctx), "nginx", "-c", path, "-g", "daemon off;"))
	if err != nil {
		return nil, err
	}
	return &nginx{d}, nil
}

func (n *nginx) pid() int { return n.daemon.pid() }
func (n *nginx) stop()    { n.daemon.end(syscall.SIGQUIT, 5*time.Second) }

// tutorialNginx returns Debian's nginx.conf with the tutorial's server. It sets
// the tutorial's settings and leaves all others at their defaults.
func tutorialNginx(p pattern, front int, upstreams []string) string {
	upstream, target := "", "http://"+upstreams[0]
	if p == patternB {
		var servers strings.Builder
		for _, address := range upstreams {
			fmt.Fprintf(&servers, "\t\tserver %s max_fails=3 fail_timeout=30s;\n", address)
		}
		upstream, target = "\tupstream api_upstream {\n"+servers.String()+"\t}\n", "http://api_upstream"
	}
	return `user www-data;
worker_processes auto;
pid FOLDER/nginx.pid;
error_log FOLDER/error.log;
events {
	worker_connections 768;
}
http {
	sendfile on;
	tcp_nopush on;
	types_hash_max_size 2048;
	include /etc/nginx/mime.types;
	default_type application/octet-stream;
	access_log FOLDER/access.log;
	gzip on;
` + upstream + fmt.Sprintf(`	server {
		listen 127.0.0.1:%d;
		server_name _;
		location / {
			proxy_http_version 1.1;
			proxy_set_header Host $host;
			proxy_set_header X-Real-IP $remote_addr;
			proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
			proxy_set_header X-Forwarded-Proto $scheme;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection "upgrade";
			proxy_pass %s;
			proxy_read_timeout 75s;
			proxy_send_timeout 75s;
		}
	}
}
`, front, target)
}
