package deploy

import (
	"fmt"
	"maps"
	"strings"

	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/cloudinit/agent/request"
)

// Component is the service on one target. It is the parent of all resources
// that the target registers. The program creates it and registers its outputs.
type Component struct {
	pulumi.ResourceState

	Ctx *pulumi.Context
	// Request describes what the target runs.
	Request Request
	// Provider is the provider in Options. A target sets it before it registers
	// anything else. If it is nil, the target passes a provider itself.
	Provider pulumi.ProviderResource

	// random is the provider of RandomHex. It is registered on first use.
	random *random.Provider
}

// NewComponent registers the component escala:<section>:Service under the
// service's name. section is the key of the target's configuration.
func NewComponent(ctx *pulumi.Context, section string, r Request) (*Component, error) {
	c := &Component{Ctx: ctx, Request: r}
	if err := ctx.RegisterComponentResource("escala:"+section+":Service", r.Spec.Name, c); err != nil {
		return nil, fmt.Errorf("registering the service: %w", err)
	}
	return c, nil
}

// Complete registers the component's outputs.
func (c *Component) Complete(e Endpoint) error {
	if err := c.Ctx.RegisterResourceOutputs(c, pulumi.Map{"url": e.URL, "release": e.Release}); err != nil {
		return fmt.Errorf("registering the service's outputs: %w", err)
	}
	return nil
}

// Name returns the logical name of a part of the service: "api-network".
func (c *Component) Name(part string) string { return c.Request.Spec.Name + "-" + part }

// StableName returns the logical name of a part that is kept when the service is
// renamed, because its cloud has only one at a time. renamed is the alias for
// stacks in which the part's logical name contains the service's name.
func (c *Component) StableName(part string) (name string, renamed pulumi.ResourceOption) {
	return part, pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String(c.Name(part))}})
}

// Options returns the options of every resource of the target: its parent, its
// provider, and more.
func (c *Component) Options(more ...pulumi.ResourceOption) []pulumi.ResourceOption {
	options := []pulumi.ResourceOption{pulumi.Parent(c)}
	if c.Provider != nil {
		options = append(options, pulumi.Provider(c.Provider))
	}
	return append(options, more...)
}

// Tags returns the tags of everything that the target registers: the creator
// and the service. The user's own tags override them.
func (c *Component) Tags(own map[string]string) map[string]string {
	tags := map[string]string{
		"Project":   c.Ctx.Project(),
		"Stack":     c.Ctx.Stack(),
		"Service":   c.Request.Spec.Name,
		"ManagedBy": "pulumi",
	}
	maps.Copy(tags, own)
	return tags
}

// NameTag returns the tag "Name", for a part whose AWS resource has no name
// property, and more tags.
func (c *Component) NameTag(part string, more map[string]string) pulumi.StringMap {
	tags := map[string]string{"Name": fmt.Sprintf("%s %s %s", c.Request.Spec.Name, c.Ctx.Stack(), part)}
	maps.Copy(tags, more)
	return pulumi.ToStringMap(tags)
}

// Label returns the name of the stack's service in a cloud: project, stack and
// service in lower-case letters, digits and hyphens, at most longest bytes.
func (c *Component) Label(longest int) string {
	label := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(c.Ctx.Project()+"-"+c.Ctx.Stack()+"-"+c.Request.Spec.Name))
	return strings.Trim(label[:min(len(label), longest)], "-")
}

// RandomHex registers random bytes and returns them in hexadecimal. The stack
// keeps them until one of keepers changes. Nil keepers keep them for ever.
func (c *Component) RandomHex(part string, bytes int, keepers map[string]string) (pulumi.StringOutput, error) {
	if err := c.registerRandom(); err != nil {
		return pulumi.StringOutput{}, err
	}
	args := &random.RandomIdArgs{ByteLength: pulumi.Int(bytes)}
	if len(keepers) > 0 {
		args.Keepers = pulumi.ToStringMap(keepers)
	}
	id, err := random.NewRandomId(c.Ctx, c.Name(part), args, pulumi.Parent(c), pulumi.Provider(c.random))
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("registering the random part of the name of %s: %w", c.Name(part), err)
	}
	return id.Hex, nil
}

// SecretHex registers random bytes that are a secret, and returns them in
// hexadecimal. The state stores them only encrypted. name is the logical name. It
// does not contain the service's name, so a renamed service keeps its bytes.
func (c *Component) SecretHex(name string, bytes int) (pulumi.StringOutput, error) {
	if err := c.registerRandom(); err != nil {
		return pulumi.StringOutput{}, err
	}
	made, err := random.NewRandomBytes(c.Ctx, name, &random.RandomBytesArgs{Length: pulumi.Int(bytes)}, pulumi.Parent(c), pulumi.Provider(c.random))
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("registering the secret %s: %w", name, err)
	}
	return made.Hex, nil
}

func (c *Component) registerRandom() error {
	if c.random != nil {
		return nil
	}
	var err error
	if c.random, err = random.NewProvider(c.Ctx, c.Name("random"), &random.ProviderArgs{}, pulumi.Parent(c)); err != nil {
		return fmt.Errorf("registering the random provider: %w", err)
	}
	return nil
}

// TLSSeed registers the secret from which all machines of the stack derive their
// HTTPS keys.
func (c *Component) TLSSeed() (pulumi.StringOutput, error) {
	return c.SecretHex("tls-seed", tlsSeedBytes)
}

const tlsSeedBytes = 32

// OperatorKeyName is the logical name of the secret key that signs an operator's
// requests to the stack's machine.
const OperatorKeyName = "operator-key"

// OperatorKey registers the operator's key. It returns the public half, with which
// a machine verifies requests.
func (c *Component) OperatorKey() (pulumi.StringOutput, error) {
	seed, err := c.SecretHex(OperatorKeyName, 32)
	if err != nil {
		return seed, err
	}
	return pulumi.Unsecret(seed.ApplyT(func(seed string) (string, error) {
		key, err := request.ParseKey(seed)
		if err != nil {
			return "", err
		}
		return key.Public(), nil
	})).(pulumi.StringOutput), nil
}

// OperatorPlaceholder is a placeholder as long as the operator's public key, for a size
// check.
var OperatorPlaceholder = strings.Repeat("0", 64)

// TLSSeedPlaceholder is a placeholder as long as the TLS seed, for a size check.
var TLSSeedPlaceholder = strings.Repeat("0", 2*tlsSeedBytes)
