package dodroplet

import (
	"fmt"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/cloudinit"
	"escala/infra/deploy"
)

// userDataLimit is the limit of Droplets: 64 KiB of text. Text cannot be
// compressed.
var userDataLimit = deploy.UserDataLimit{Bytes: 64 << 10}

// bucketKey has the buckets, and the key with which a machine reads releases and
// writes its status.
type bucketKey struct{ bucket, machines, access, secret string }

// operator is the public key that verifies the operator's requests.
type operator string

// tls has what a machine needs for HTTPS: the stack's seed, and in service.TLSIP
// mode the stable address.
type tls struct{ seed, address string }

// machine returns the machine that the Droplet's user-data describes.
func machine(r deploy.Request, s Settings, key bucketKey, https tls, o operator) cloudinit.Machine {
	m := cloudinit.NewMachine(r.Spec)
	m.Agent = r.Agent.ID
	m.Operator = string(o)
	m.Store = cloudinit.SpacesStore{Bucket: key.bucket, Machines: key.machines, Region: s.spacesRegion(), AccessKey: key.access, SecretKey: key.secret}
	m.MetadataOnlyRoot = []string{"169.254.169.254"}
	if s.Monitoring {
		// DigitalOcean's agent uses the metadata service as its own user.
		m.MetadataRefused = []string{cloudinit.User, "www-data"}
	}
	m.Notify = r.Notified()
	secrets := cloudinit.FileSecrets{Values: map[string]string{}, Webhook: r.Webhook}
	for _, name := range r.Spec.Secrets {
		secrets.Values[name] = r.Secrets[name]
	}
	if r.Spec.HTTPS() {
		m.TLS.Address = https.address
		// Check has already reported a file that cannot be read.
		ca, _ := r.AuthorityCA()
		m.TLS.AuthorityCA = string(ca)
		secrets.TLS = cloudinit.TLSSecrets{Seed: https.seed, Certificate: r.Secrets[r.Spec.TLS.Certificate]}
	}
	if len(r.Spec.Secrets) > 0 || r.Spec.HTTPS() || m.Notify != "" {
		m.Secrets = secrets
	}
	return m
}

// droplet registers the machine. When any of its inputs changes, a second machine
// is created, and the old one is deleted after the address has moved.
func (d deployment) droplet(net network, store releaseStore, address pulumi.StringInput) (*digitalocean.Droplet, error) {
	seed := pulumi.String("").ToStringOutput()
	if d.Request.Spec.HTTPS() {
		var err error
		if seed, err = d.TLSSeed(); err != nil {
			return nil, err
		}
	}
	public, err := d.OperatorKey()
	if err != nil {
		return nil, err
	}
	userData := pulumi.All(store.bucket.Name, store.machines.Name, store.key.AccessKey, store.key.SecretKey, seed, address, public).ApplyT(func(v []any) (string, error) {
		key := bucketKey{v[0].(string), v[1].(string), v[2].(string), v[3].(string)}
		data, err := userDataLimit.UserData(machine(d.Request, d.settings, key, tls{v[4].(string), v[5].(string)}, operator(v[6].(string))))
		return string(data), err
	}).(pulumi.StringOutput)
	tags := pulumi.StringArray{net.tag.Name}
	for _, tag := range d.settings.Tags {
		tags = append(tags, pulumi.String(tag))
	}
	args := &digitalocean.DropletArgs{
		Image:      pulumi.String(d.settings.Image),
		Region:     pulumi.String(d.settings.Region),
		Size:       pulumi.String(d.settings.Size),
		VpcUuid:    net.vpc,
		Monitoring: pulumi.Bool(d.settings.Monitoring),
		Ipv6:       pulumi.Bool(true),
		Backups:    pulumi.Bool(d.settings.Backups),
		// This agent is for the web console. The firewall blocks the addresses from
		// which the console connects.
		DropletAgent: pulumi.Bool(false),
		Tags:         tags,
		// User-data contains a key and secrets, so all of it is a secret in the
		// state.
		UserData: pulumi.ToSecret(userData).(pulumi.StringOutput),
	}
	if len(d.lookup.sshKeys) > 0 {
		args.SshKeys = pulumi.ToStringArray(d.lookup.sshKeys)
	}
	droplet, err := digitalocean.NewDroplet(d.Ctx, d.Name(fmt.Sprintf("machine-%d", d.settings.Generation)), args, d.Options(
		// A change in place would stop the machine that serves.
		pulumi.ReplaceOnChanges([]string{"size"}),
		pulumi.DeleteBeforeReplace(false),
		pulumi.DependsOn([]pulumi.Resource{net.firewall, store.agent}),
	)...)
	if err != nil {
		return nil, fmt.Errorf("registering the machine: %w", err)
	}
	return droplet, nil
}
