package operate

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"escala/service/machine"
)

// hostKey is a public key in the form "type base64". Anything else in known_hosts
// could be another statement, for example that an authority may certify all hosts
// (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
var hostKey = regexp.MustCompile(`^[a-z0-9][a-z0-9@.-]* [A-Za-z0-9+/]+=*$`)

// HostKeys returns the public SSH host keys that a machine wrote to the store, each
// as "type base64". Only the machine and the operator can write there.
func (m Machines) HostKeys(ctx context.Context, id string) ([]string, error) {
	if m.Objects == nil {
		return nil, m.NoObjects
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	details, err := readObject[machine.Details](ctx, m.Objects, id, machine.DetailsName)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s of machine %s: %w", machine.DetailsName, id, err)
	case details.Machine != id:
		return nil, fmt.Errorf("%s of machine %s is of machine %q", machine.DetailsName, id, Plain(details.Machine))
	case len(details.SSHHostKeys) == 0:
		return nil, errors.New("the machine has not written its SSH host keys")
	}
	for _, key := range details.SSHHostKeys {
		if !hostKey.MatchString(key) {
			return nil, fmt.Errorf("%q is not an SSH host key", Plain(key))
		}
	}
	return details.SSHHostKeys, nil
}
