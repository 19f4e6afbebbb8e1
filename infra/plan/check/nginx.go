package check

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"escala/infra/plan"
)

const nginxConf = "/etc/nginx/nginx.conf"

var (
	listens = regexp.MustCompile(`(?m)^(\s*)listen\s+[^;]+;`)
	pids    = regexp.MustCompile(`(?m)^(\s*)pid\s+[^;]+;`)
	// nginxStamp matches the time and the process id at the beginning of Nginx's
	// messages.
	nginxStamp = regexp.MustCompile(`(?m)^\d{4}/[^\[]*(\[\w+\]) \d+#\d+: `)
	httpBlock  = regexp.MustCompile(`(?m)^http\s*\{`)
)

// temporaries lists the directives for the folders in which Nginx stores data
// that does not fit into memory. Nginx creates these folders when it tests a
// configuration.
var temporaries = []string{"client_body_temp_path", "proxy_temp_path", "fastcgi_temp_path", "uwsgi_temp_path", "scgi_temp_path"}

// nginx checks the configuration with the real Nginx.
func nginx(ctx context.Context, s *subject) {
	if !s.anyFile(atPath(nginxConf)) {
		return
	}
	t, ok := s.tool("nginx", "nginx.conf")
	if !ok {
		return
	}
	defer t.close()
	s.eachFile(atPath(nginxConf), func(m plan.Machine, f plan.File) {
		where := m.Name + ": " + f.Path
		if module := missingModule(f.Raw); module != "" {
			s.add(plan.Notice, where, "was not checked: Nginx's module "+module+" is not on this computer", "apt-get install libnginx-mod-http-lua")
			return
		}
		conf, err := withCertificates(f.Raw, t, m)
		file := ""
		if err == nil {
			file, err = t.write("nginx.conf", relocate(conf, t, m))
		}
		if err != nil {
			s.add(plan.Notice, where, "was not checked: "+err.Error(), "")
			return
		}
		said, ok := t.run(ctx, nil, "-t", "-q", "-e", "stderr", "-c", file)
		if !ok {
			s.add(plan.Error, where, "nginx -t refuses it: "+s.secrets.Mask(nginxReason(said)), "a configuration that nginx -t accepts")
			return
		}
		s.add(plan.Notice, where, "nginx -t accepts it", "")
	})
}

// relocate changes a configuration so that any user can test it beside a
// running Nginx: sockets and files are in the tool's folder. Line numbers stay
// the same.
func relocate(conf string, t tool, m plan.Machine) string {
	n := 0
	conf = listens.ReplaceAllStringFunc(conf, func(line string) string {
		n++
		return fmt.Sprintf("listen unix:%s;", filepath.Join(t.dir, fmt.Sprintf("%d.sock", n)))
	})
	conf = pids.ReplaceAllString(conf, "${1}pid "+filepath.Join(t.dir, "nginx.pid")+";")
	var extra strings.Builder
	for _, directive := range temporaries {
		if !strings.Contains(conf, directive) {
			fmt.Fprintf(&extra, " %s %s;", directive, filepath.Join(t.dir, directive))
		}
	}
	conf = httpBlock.ReplaceAllString(conf, "http {"+extra.String())
	// The configuration may include other files of the machine.
	for _, f := range m.Files {
		if f.Path == nginxConf || !strings.HasPrefix(f.Path, "/etc/nginx/") || !strings.Contains(conf, f.Path) {
			continue
		}
		if path, err := t.write(strings.TrimPrefix(f.Path, "/"), f.Raw); err == nil {
			conf = strings.ReplaceAll(conf, f.Path, path)
		}
	}
	// mime.types comes from Nginx's own package, which may be installed elsewhere.
	if _, err := os.Stat("/etc/nginx/mime.types"); err != nil {
		if path, err := t.write("mime.types", "types { text/html html; }\n"); err == nil {
			conf = strings.ReplaceAll(conf, "/etc/nginx/mime.types", path)
		}
	}
	return conf
}

// asOtherUser matches Nginx's warning to users other than root.
var asOtherUser = regexp.MustCompile(`(?m)^\[warn\] the "user" directive makes sense only .*\n`)

// nginxReason returns the reason in Nginx's output.
func nginxReason(said string) string {
	said, _, _ = strings.Cut(nginxStamp.ReplaceAllString(said, "$1 "), "\nnginx: configuration file")
	return asOtherUser.ReplaceAllString(said, "")
}
