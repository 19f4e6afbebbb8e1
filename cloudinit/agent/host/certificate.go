package host

import (
	"context"
	"crypto/ecdsa"
	"log/slog"
	"time"

	"escala/cloudinit/agent/certificate"
	"escala/cloudinit/agent/certificate/acme"
	"escala/cloudinit/agent/secrets"
	"escala/cloudinit/agent/sigv4"
	"escala/cloudinit/agent/store"
)

// certificatePoll is the time between two rounds of the certificates' keeper. A
// round with nothing to do asks Nginx what it serves.
const certificatePoll = 5 * time.Second

// keeper returns the keeper of this machine's certificates.
func (r Root) keeper(config Config, access store.Access, role sigv4.Credentials, log *slog.Logger) (*certificate.Keeper, error) {
	shared, err := config.Store.OpenShared(access)
	if err != nil {
		return nil, err
	}
	settings := *config.Certificate
	k := &certificate.Keeper{
		Settings: settings,
		Authorities: func(account *ecdsa.PrivateKey) (certificate.Authority, error) {
			return acme.New(settings, account)
		},
		Objects:   shared,
		Disk:      privateFolder(r.path(CertificatesFolder)),
		Secrets:   ownSecrets{settings: config.Secrets, role: role},
		Proxy:     newNginx(r),
		Clock:     NewClock(),
		Log:       log,
		MachineID: r.MachineID(),
		Poll:      certificatePoll,
	}
	if settings.Roots == "" {
		k.Reach = acme.Reacher{}.Reach
	}
	return k, nil
}

// ownSecrets reads escala's own secrets, which are not the service's, one at a time.
type ownSecrets struct {
	settings *secrets.Settings
	role     sigv4.Credentials
}

var _ certificate.Secrets = ownSecrets{}

// Seed returns the seed of the stack's keys.
func (s ownSecrets) Seed(ctx context.Context) (string, error) { return s.read(ctx, secrets.TLSSeed) }

// Own returns the operator's own certificate.
func (s ownSecrets) Own(ctx context.Context) (string, error) {
	return s.read(ctx, secrets.TLSCertificate)
}

func (s ownSecrets) read(ctx context.Context, name string) (string, error) {
	if s.settings == nil {
		return "", secrets.ErrMissing
	}
	only := *s.settings
	only.Names = []string{name}
	source, err := only.Open(s.role)
	if err != nil {
		return "", err
	}
	values, err := source.Read(ctx)
	return values[name], err
}
