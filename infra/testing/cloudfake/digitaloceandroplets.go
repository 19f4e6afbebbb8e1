package cloudfake

import (
	"errors"

	"escala/infra/engine/offline"
)

// Limit limits the account to n Droplets. 0 removes the limit.
func (d *DigitalOcean) Limit(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limit = n
}

// DelayNewBuckets makes the next n requests to a new bucket fail, as if the bucket was not
// known yet.
func (d *DigitalOcean) DelayNewBuckets(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bucketDelay = n
}

// Unassign takes the Reserved IP off its Droplet, as a user does in the console.
func (d *DigitalOcean) Unassign() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unassigned = true
}

// droplets returns the behaviours that a stack cannot avoid. Their tests show that
// the documentation's advice helps.
func (d *DigitalOcean) droplets() []Behaviour {
	return []Behaviour{
		{
			Name: "droplet-limit", Test: "TestDropletLimit", Types: []string{doDroplet},
			Does:   "Refuses a Droplet beyond the account's limit, which is low for a new account.",
			Source: "https://docs.digitalocean.com/products/droplets/details/limits/",
			Before: func(e *offline.Event) error {
				d.mu.Lock()
				limit := d.limit
				d.mu.Unlock()
				if e.Operation == offline.Create && limit > 0 && len(d.OfType(doDroplet)) >= limit {
					return errors.New("Error creating droplet: 422 creating this/these droplet(s) will exceed your droplet limit") //nolint:staticcheck // as the provider says it
				}
				return nil
			},
		},
		{
			Name: "bucket-is-eventual", Test: "TestDropletBucketNotYetKnown", Types: []string{doObject},
			Does:   "Does not know a new bucket everywhere at once; the provider does not try an object again.",
			Source: doIssues + "1006",
			Before: func(e *offline.Event) error {
				d.mu.Lock()
				defer d.mu.Unlock()
				if e.Operation != offline.Create || d.bucketDelay == 0 {
					return nil
				}
				d.bucketDelay--
				return errors.New("Error putting object in Spaces bucket (" + text(e.Inputs, "bucket") + "): NoSuchBucket")
			},
		},
		{
			Name: "unassigned-address-crashes", Test: "TestDropletAddressUnassigned", Types: []string{doMove},
			Does:   "Ends the provider with a nil pointer when it deletes the assignment of a Reserved IP that leads to no Droplet; a refresh forgets that assignment.",
			Source: "terraform-provider-digitalocean: digitalocean/reservedip/resource_reserved_ip_assignment.go",
			Before: func(e *offline.Event) error {
				d.mu.Lock()
				defer d.mu.Unlock()
				if e.Operation == offline.Create {
					d.unassigned = false
				}
				if e.Operation == offline.Delete && d.unassigned {
					return errors.New("Bridged provider panic: runtime error: invalid memory address or nil pointer dereference") //nolint:staticcheck // as the provider says it
				}
				return nil
			},
			After: func(e *offline.Event) bool {
				d.mu.Lock()
				defer d.mu.Unlock()
				e.Deleted = e.Operation == offline.Read && d.unassigned
				return e.Deleted
			},
		},
	}
}
