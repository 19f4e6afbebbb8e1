package stackconfig

import (
	"fmt"
	"net/mail"
	"slices"

	"escala/service"
)

// Notify configures the receivers of the stack's events and alarms.
type Notify struct {
	// Webhook is the URL that gets a POST for each event: Slack's, or any that
	// accepts JSON. It is a secret. Default none.
	Webhook string `config:"webhook"`
	// Email lists the addresses that the cloud's alarms go to. With at least one
	// address, the stacks aws-ec2, do-droplet and do-doks create alarms. At
	// DigitalOcean each address must be a verified one of the account. AWS asks each
	// for its consent. Default none.
	Email []string `config:"email"`
}

// maxEmails limits the addresses: each is a subscription of its own at AWS.
const maxEmails = 10

func (n Notify) violations() service.Violations {
	var v service.Violations
	for i, address := range n.Email {
		path := fmt.Sprintf("email[%d]", i)
		parsed, err := mail.ParseAddress(address)
		switch {
		case err != nil || parsed.Address != address:
			v.Add(path, "%q is not an address; for example \"ops@example.com\"", address)
		case slices.Contains(n.Email[:i], address):
			v.Add(path, "%q is there twice", address)
		}
	}
	if len(n.Email) > maxEmails {
		v.Add("email", "has %d addresses, and at most %d are possible; a mailing list has one", len(n.Email), maxEmails)
	}
	return v
}
