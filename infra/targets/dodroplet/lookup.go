package dodroplet

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/dodns"
	"escala/service"
)

// lookup is the result of the lookups at DigitalOcean.
type lookup struct {
	// sshKeys are the fingerprints of the settings' keys.
	sshKeys []string
	// domains are the domains of the service's names.
	domains dodns.Domains
}

// ask checks at DigitalOcean that the settings are available and fit together.
// It reports all violations together.
func (d deployment) ask() (lookup, error) {
	var f lookup
	v := d.credentialViolations()
	ask := pulumi.Provider(d.Provider)
	s := d.settings
	region, err := digitalocean.GetRegion(d.Ctx, &digitalocean.GetRegionArgs{Slug: s.Region}, ask)
	switch {
	case err != nil:
		v.Add("digitalocean.region", "%q is not available: %s", s.Region, err)
	case !region.Available:
		v.Add("digitalocean.region", "%q takes no new Droplets", s.Region)
	case !slices.Contains(region.Sizes, s.Size):
		v.Add("digitalocean.size", "%q is not available in %s", s.Size, s.Region)
	}
	image, err := digitalocean.GetImage(d.Ctx, &digitalocean.GetImageArgs{Slug: &s.Image}, ask)
	switch {
	case err != nil:
		v.Add("digitalocean.image", "%q is not available: %s", s.Image, err)
	case !slices.Contains(image.Regions, s.Region):
		v.Add("digitalocean.image", "%q is not available in %s", s.Image, s.Region)
	}
	v = append(v, s.vpc().Check(d.Ctx, ask)...)
	current, _ := d.Request.Outputs[outputVPC].(string)
	v = append(v, s.vpc().CheckOverlap(current)...)
	for i, name := range s.SSHKeys {
		key, err := digitalocean.LookupSshKey(d.Ctx, &digitalocean.LookupSshKeyArgs{Name: name}, ask)
		if err != nil {
			v.Add(fmt.Sprintf("digitalocean.sshKeys[%d]", i), "the account has no SSH key %q (doctl compute ssh-key list): %s", name, err)
			continue
		}
		f.sshKeys = append(f.sshKeys, key.Fingerprint)
	}
	if choice := s.domains(d.Request.Spec); len(choice.Names) > 0 {
		var problems service.Violations
		f.domains, problems = choice.Lookup(d.Ctx, ask)
		v = append(v, problems...)
	}
	return f, v.Err()
}

// credentials maps the keys to Spaces in the configuration to the environment
// variables that the provider reads instead.
var credentials = map[string]string{
	"spacesAccessId": "SPACES_ACCESS_KEY_ID", "spacesSecretKey": "SPACES_SECRET_ACCESS_KEY",
}

// credentialViolations reports missing keys to Spaces. Without them, an update
// would make everything up to the bucket and fail there.
func (d deployment) credentialViolations() service.Violations {
	var v service.Violations
	if d.Request.Offline {
		return v
	}
	for _, key := range slices.Sorted(maps.Keys(credentials)) {
		_, configured := d.Ctx.GetConfig("digitalocean:" + key)
		if !configured && os.Getenv(credentials[key]) == "" {
			v.Add("this computer", "lacks %s in the environment: releases are kept in Spaces (digitalocean:%s in the configuration will do, too)", credentials[key], key)
		}
	}
	return v
}
