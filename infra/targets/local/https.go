package local

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/cloudinit"
	"escala/infra/build"
	"escala/infra/deploy"
	"escala/infra/deploy/gate"
	"escala/infra/deploy/https"
	"escala/infra/targets/local/provider"
	"escala/service"
)

// checkHTTPS reports settings about HTTPS that are not possible on this computer.
func (l *Local) checkHTTPS(v *service.Violations, spec service.Spec) {
	switch p := l.settings.HTTPSPort; {
	case p < 1 || p > 65535:
		v.Add("local.httpsPort", "%d is not a port from 1 to 65535", p)
	case p == l.settings.Port:
		v.Add("local.httpsPort", "%d is local.port too; HTTP and HTTPS need two ports", p)
	}
	switch mode := spec.TLSMode(); {
	case mode == service.TLSIP || mode == service.TLSCertificate:
		v.Add("service.tls.mode", "%q is for machines in a cloud; here a test authority gives certificates for service.host", mode)
	case mode == service.TLSACME && spec.TLS.Authority != "":
		v.Add("service.tls.authority", "the local target has an authority of its own, which alone reaches this machine; remove it")
	}
	if spec.DNS {
		v.Add("service.dns", "there is no DNS on this computer; names below \"localhost\" lead here without a record")
	}
}

// authority registers the certificate authority. It returns nil without HTTPS.
func (d deployment) authority() (*authorityResource, error) {
	r := d.Request
	if !r.Spec.HTTPS() {
		return nil, nil
	}
	program, err := build.AuthorityTool.For(d.Ctx.Context(), r.Home, r.State, build.Platform{OS: "linux", Arch: runtime.GOARCH})
	if err != nil {
		return nil, fmt.Errorf("building the certificate authority: %w", err)
	}
	authority := &authorityResource{}
	// The logical name does not contain the service's name: a renamed service keeps
	// its keys.
	args := &authorityArgs{Program: pulumi.String(relative(r.State, program.Path))}
	if err := d.registerAs("Authority", "authority", args, authority, pulumi.AdditionalSecretOutputs([]string{"seed"})); err != nil {
		return nil, err
	}
	return authority, nil
}

// userData renders the machine's user-data. With HTTPS it resolves once the
// authority exists.
func (d deployment) userData(vm cloudinit.Machine, authority *authorityResource) (pulumi.StringInput, error) {
	render := func(vm cloudinit.Machine) (string, error) {
		data, err := vm.UserData()
		if err != nil {
			return "", fmt.Errorf("rendering the machine's user-data: %w", err)
		}
		return string(data), nil
	}
	webhook := d.Request.Webhook
	vm.Notify = d.Request.Notified()
	if authority == nil {
		if webhook == "" {
			data, err := render(vm)
			return pulumi.String(data), err
		}
		vm.Secrets = cloudinit.FileSecrets{Webhook: webhook}
		data, err := render(vm)
		return pulumi.ToSecret(pulumi.String(data)).(pulumi.StringOutput), err
	}
	vm.TLS.Port = d.settings.HTTPSPort
	return pulumi.All(authority.Directory, authority.CA, authority.Seed).ApplyT(func(v []any) (string, error) {
		vm.Spec.TLS.Authority, vm.TLS.AuthorityCA = v[0].(string), v[1].(string)
		vm.Secrets = cloudinit.FileSecrets{TLS: cloudinit.TLSSecrets{Seed: v[2].(string)}, Webhook: webhook}
		return render(vm)
	}).(pulumi.StringOutput), nil
}

// https registers the address of the second port, which leads to the machine that
// passed the gate, and waits for the certificate there.
func (d deployment) https(plain deploy.Endpoint, authority *authorityResource, machine pulumi.StringOutput, forwarder string) (deploy.Endpoint, error) {
	address := &addressResource{}
	if err := d.registerAs("Address", "https-address", &addressArgs{
		Port:       pulumi.Int(d.settings.HTTPSPort),
		Target:     machine,
		Forwarder:  pulumi.String(forwarder),
		TargetPort: pulumi.Int(443),
		Authority:  authority.Folder.ToStringPtrOutput(),
	}, address); err != nil {
		return deploy.Endpoint{}, err
	}
	names := d.Request.Spec.CertificateNames()
	listen := net.JoinHostPort("127.0.0.1", strconv.Itoa(d.settings.HTTPSPort))
	certified := pulumi.All(authority.Folder, gate.After(address.URL, plain.Release)).ApplyTWithContext(d.Ctx.Context(), func(ctx context.Context, v []any) string {
		if d.Ctx.DryRun() {
			return https.Serving
		}
		missing := nameMismatches(ctx, net.DefaultResolver, names)
		if missing == "" {
			missing = awaitCertificate(ctx, listen, names, provider.AuthorityRoots(d.Request.State, v[0].(string)))
		}
		if missing != "" {
			_ = d.Ctx.Log.Warn("HTTPS does not serve yet: "+missing, &pulumi.LogArgs{Resource: address})
		}
		return https.State(missing)
	}).(pulumi.StringOutput)
	public := "https://" + net.JoinHostPort(names[0], strconv.Itoa(d.settings.HTTPSPort))
	plain.URL = pulumi.All(plain.URL, certified).ApplyT(func(v []any) string {
		if v[1].(string) == https.Serving {
			return public
		}
		return v[0].(string)
	}).(pulumi.StringOutput)
	plain.Outputs = pulumi.Map{
		deploy.OutputHTTPS: certified,
		// The path is for curl's --cacert, relative to the clone's folder.
		"roots": authority.Folder.ApplyT(func(folder string) string {
			return filepath.Join(filepath.Base(d.Request.State), folder, "files", "roots.pem")
		}),
	}
	return plain, nil
}

// certificateTimeout is longer than the machine and the authority on this computer
// need for a first certificate.
const certificateTimeout = time.Minute

// awaitCertificate waits until an address presents, for all names, a certificate of
// one of the roots in a file. It returns what is missing, or "".
func awaitCertificate(ctx context.Context, address string, names []string, roots string) string {
	wait := https.Wait{Max: certificateTimeout, Poll: 500 * time.Millisecond}
	return wait.For(ctx, func(ctx context.Context) (string, time.Time) {
		ca, err := os.ReadFile(roots)
		if err == nil {
			err = https.Check{Address: address, Names: names, CA: ca}.Certificate(ctx)
		}
		if err != nil {
			return err.Error(), time.Time{}
		}
		return "", time.Time{}
	})
}
