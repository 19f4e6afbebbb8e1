package cloudfake

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
)

// Overwrite changes an object outside of Pulumi.
func (d *DigitalOcean) Overwrite(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.overwritten[key] = true
}

func (d *DigitalOcean) spaces() []Behaviour {
	return []Behaviour{
		{
			Name: "rules-by-id", Test: "TestDropletLife", Types: []string{doBucket},
			Does:   "Returns a bucket's lifecycle rules in the order of their ids; the provider compares a list.",
			Source: "https://github.com/linode/terraform-provider-linode/issues/610",
			After: func(e *offline.Event) bool {
				rules := e.Inputs["lifecycleRules"]
				if !rules.IsArray() {
					return false
				}
				id := func(v resource.PropertyValue) string { return text(v.ObjectValue(), "id") }
				sorted := slices.SortedFunc(slices.Values(rules.ArrayValue()), func(a, b resource.PropertyValue) int { return cmp.Compare(id(a), id(b)) })
				changed := !resource.NewProperty(sorted).DeepEquals(rules)
				if e.Operation == offline.Read {
					e.Inputs["lifecycleRules"] = resource.NewProperty(sorted)
					e.Outputs["lifecycleRules"] = resource.NewProperty(sorted)
				}
				return changed
			},
		},
		{
			Name: "object-by-etag", Test: "TestDropletLife", Types: []string{doObject},
			Does:   "Reads nothing of an object's content back but its entity tag: what was overwritten is only found by that.",
			Source: "terraform-provider-digitalocean: digitalocean/spaces/resource_spaces_bucket_object.go",
			After: func(e *offline.Event) bool {
				d.mu.Lock()
				defer d.mu.Unlock()
				key := text(e.Inputs, "key")
				switch {
				case e.Operation == offline.Update, e.Operation == offline.Create:
					delete(d.overwritten, key)
				case e.Operation == offline.Read && d.overwritten[key] && e.Inputs.HasValue("etag"):
					other := resource.NewProperty("0123456789abcdef0123456789abcdef")
					e.Inputs["etag"], e.Outputs["etag"] = other, other
					return true
				}
				return false
			},
		},
		{
			Name: "bucket-name-kept", Test: "TestDropletLife", Types: []string{doBucket},
			Does:   "Keeps the name of a bucket that was deleted for days, and that of one that exists from everybody.",
			Source: "https://docs.digitalocean.com/products/spaces/how-to/destroy/",
			Before: func(e *offline.Event) error {
				if e.Operation != offline.Create {
					return nil
				}
				d.mu.Lock()
				defer d.mu.Unlock()
				name := text(e.Inputs, "name")
				if d.buckets[name] {
					return errors.New("BucketAlreadyExists: " + name)
				}
				d.buckets[name] = true
				return nil
			},
		},
		{
			Name: "bucket-keeps-its-name", Test: "TestDigitalOceanSpaces", Types: []string{doBucket},
			Does:   "Reports a bucket with another name as updated, without a new bucket: the provider neither replaces nor renames it.",
			Source: "terraform-provider-digitalocean: digitalocean/spaces/resource_spaces_bucket.go",
			After: func(e *offline.Event) bool {
				return e.Operation == offline.Update && text(e.Inputs, "name") != e.ID
			},
		},
		{
			Name: "spaces-regions", Test: "TestDropletBadInput", Types: []string{doBucket},
			Does:   "Has Spaces in fewer regions than Droplets.",
			Source: "terraform-provider-digitalocean: digitalocean/spaces/spaces_entities.go",
			Before: func(e *offline.Event) error {
				regions := []string{"ams3", "atl1", "blr1", "fra1", "lon1", "nyc3", "sfo2", "sfo3", "sgp1", "syd1", "tor1"}
				if region := text(e.Inputs, "region"); e.Operation == offline.Create && !slices.Contains(regions, region) {
					return fmt.Errorf("expected region to be one of %q, got %s", regions, region)
				}
				return nil
			},
		},
	}
}
