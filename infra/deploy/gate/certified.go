package gate

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/https"
	"escala/service/machine"
)

// certified returns nil if the endpoint has a certificate for Names.
func (g Gate) certified(ctx context.Context, endpoint string, status machine.Status) error {
	if len(g.Names) == 0 {
		return nil
	}
	look := https.Check{Address: atPort(endpoint, g.httpsPort), Names: g.Names, CA: g.CA}
	if err := look.Certificate(ctx); err != nil {
		return fmt.Errorf("the stack has HTTPS, and this machine would take it away: %w%s", err, reported(status))
	}
	return nil
}

// reported returns the machine's own report about its certificate.
func reported(status machine.Status) string {
	c := status.Certificate
	if c == nil || c.Error == "" {
		return ""
	}
	text := "; the machine reports: " + c.Error
	if c.Next > 0 {
		text += ", and tries again at " + time.Unix(c.Next, 0).UTC().Format("15:04:05 MST")
	}
	return text
}

// atPort returns the host and the port of HTTPS of an endpoint's URL. An empty
// port is 443.
func atPort(endpoint, port string) string {
	host := strings.TrimPrefix(endpoint, "http://")
	if u, err := url.Parse(endpoint); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	return net.JoinHostPort(host, cmp.Or(port, "443"))
}

// HTTPS describes the certificates of a stack's names.
type HTTPS struct {
	// Names are host names. Default: the stable IP address itself.
	Names []string
	// CA has the root certificates of a private authority, in PEM. Optional.
	CA []byte
	// ManagedRecords means that the stack makes the names' records.
	ManagedRecords bool
	// Port is the port of HTTPS. Default 443.
	Port string
}

// names returns the names that need a certificate at a stable address.
func (h HTTPS) names(stable string) []string {
	if len(h.Names) > 0 {
		return h.Names
	}
	host, _, _ := net.SplitHostPort(atPort(stable, ""))
	return []string{host}
}

// AlreadyCertified resolves to the names that have a good certificate at the stable address
// now, before anything moves. It does not wait, and is empty in a preview.
func AlreadyCertified(ctx *pulumi.Context, stable pulumi.StringOutput, h HTTPS) pulumi.StringArrayOutput {
	return stable.ApplyTWithContext(ctx.Context(), func(wait context.Context, stable string) []string {
		if ctx.DryRun() {
			return nil
		}
		return h.good(wait, stable, h.names(stable))
	}).(pulumi.StringArrayOutput)
}

// good returns the names that have a good certificate at a stable address.
func (h HTTPS) good(ctx context.Context, stable string, names []string) []string {
	var good []string
	for _, name := range names {
		look := https.Check{Address: atPort(stable, h.Port), Names: []string{name}, CA: h.CA}
		if look.Certificate(ctx) == nil {
			good = append(good, name)
		}
	}
	return good
}

// maxWait is the time that a machine has to get its first certificate once its
// names lead to it. An authority needs some seconds.
const maxWait = 90 * time.Second

// CertifiedArgs are the inputs of Certified.
type CertifiedArgs struct {
	HTTPS
	// Machine is the machine that serves. Messages are shown beside it.
	Machine pulumi.CustomResource
	// Stable is the URL of the stable address, by plain HTTP. It should resolve
	// once the release serves there and the names' records are made.
	Stable pulumi.StringOutput
	// AlreadyCertified is the result of the function of that name.
	AlreadyCertified pulumi.StringArrayOutput
	// Last is the result of the last update, for a preview.
	Last string
}

// Certified resolves to https.Serving once every name leads to the stable address
// and has a certificate there, or else to https.Waiting and what is missing. What
// is missing is only a warning: the release serves, and it does not wait for a
// record that a person has to make or for an authority that is down. It is an error
// only if certificates that existed before are lost.
func Certified(ctx *pulumi.Context, args CertifiedArgs) pulumi.StringOutput {
	return pulumi.All(args.Stable, args.AlreadyCertified).ApplyTWithContext(ctx.Context(), func(wait context.Context, v []any) (string, error) {
		stable, certified := v[0].(string), v[1].([]string)
		if ctx.DryRun() {
			return args.Last, nil
		}
		w := waiter{
			HTTPS: args.HTTPS, stable: stable, maxWait: maxWait, poll: time.Second,
			report: func(s string) {
				// A failure to show a line of progress is not an error.
				_ = ctx.Log.Info(s, &pulumi.LogArgs{Resource: args.Machine, Ephemeral: true})
			},
		}
		missing := w.wait(wait)
		if missing == "" {
			return https.Serving, nil
		}
		if len(args.good(wait, stable, certified)) < len(certified) {
			return "", fmt.Errorf("%s had HTTPS before this update, and not all of them have it now: %s", strings.Join(certified, ", "), missing)
		}
		// A failure to show the warning is not an error.
		_ = ctx.Log.Warn("the release serves, but not yet by HTTPS: "+missing, &pulumi.LogArgs{Resource: args.Machine})
		return https.State(missing), nil
	}).(pulumi.StringOutput)
}

// waiter waits for certificates at a stable address.
type waiter struct {
	HTTPS
	stable        string
	maxWait, poll time.Duration
	report        func(string)
	// resolver replaces this computer's in tests.
	resolver https.Resolver
}

// wait returns "" once nothing is missing, and otherwise what is missing.
func (w waiter) wait(ctx context.Context) string {
	return https.Wait{Max: w.maxWait, Poll: w.poll, Report: w.report}.For(ctx, w.missing)
}

// missing returns what is missing, and the time before which that cannot change.
// The time is https.Never if a person has to act first.
func (w waiter) missing(ctx context.Context) (string, time.Time) {
	host, _, _ := net.SplitHostPort(atPort(w.stable, ""))
	meanwhile := "; the service serves " + w.stable + " meanwhile"
	if len(w.Names) > 0 {
		destination := https.Destination{Address: host, ManagedRecords: w.ManagedRecords}
		if text := destination.Mismatch(ctx, w.resolver, w.Names); text != "" {
			return text + meanwhile, https.Never
		}
	}
	err := https.Check{Address: atPort(w.stable, w.Port), Names: w.names(w.stable), CA: w.CA}.Certificate(ctx)
	if err == nil {
		return "", time.Time{}
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, Proxy: nil}}
	status, statusErr := read(ctx, client, w.stable)
	if statusErr != nil {
		return err.Error() + meanwhile, time.Time{}
	}
	until := time.Time{}
	if c := status.Certificate; c != nil && c.Error != "" && c.Next > 0 {
		until = time.Unix(c.Next, 0)
	}
	return err.Error() + reported(status) + meanwhile, until
}
