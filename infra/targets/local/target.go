// Package local is the target on this computer: a Debian 12 machine in a
// container. The user-data, the releases and the gate are the same as for a
// machine in a cloud.
package local

import (
	"context"
	"runtime"

	"escala/infra/build"
	"escala/infra/deploy"
	"escala/infra/targets/local/host"
	"escala/infra/targets/local/provider"
	"escala/service"
)

// Local is the target "local".
type Local struct {
	settings Settings
}

// New returns the target with its defaults.
func New() *Local { return &Local{settings: NewSettings()} }

func (*Local) Name() string { return "local" }

func (*Local) Section() string { return "local" }

func (l *Local) Settings() any { return &l.settings }

// Platform returns this computer's architecture, because the machine is a
// container.
func (*Local) Platform() build.Platform { return build.Platform{OS: "linux", Arch: runtime.GOARCH} }

func (l *Local) Check(ctx context.Context, r deploy.Request) error {
	var v service.Violations
	if l.settings.Port < 1 || l.settings.Port > 65535 {
		v.Add("local.port", "%d is not a port from 1 to 65535", l.settings.Port)
	}
	l.checkHTTPS(&v, r.Spec)
	if len(r.Spec.Secrets) > 0 {
		v.Add("service.secrets", "the local target has no secret store; give them in service.env while you try things out here")
	}
	if r.Offline {
		return v.Err()
	}
	for _, missing := range host.Missing() {
		v.Add("this computer", "%s", missing)
	}
	if len(v) > 0 {
		return v
	}
	if err := checkPort(ctx, r.State, l.settings.Port); err != nil {
		v.Add("local.port", "%s", err)
	}
	if r.Spec.HTTPS() {
		if err := checkPort(ctx, r.State, l.settings.HTTPSPort); err != nil {
			v.Add("local.httpsPort", "%s", err)
		}
	}
	return v.Err()
}

// checkPort reports a port that is in use, unless this stack's own address uses it.
func checkPort(ctx context.Context, state string, port int) error {
	taken := provider.CheckPort(ctx, port)
	if taken == nil {
		return nil
	}
	mine, err := provider.Listening(ctx, state, port)
	if err != nil {
		return err
	}
	if mine {
		return nil
	}
	return taken
}
