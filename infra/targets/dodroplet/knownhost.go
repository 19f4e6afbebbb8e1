package dodroplet

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"escala/infra/operate"
)

// knownHost tells ssh how to recognize a machine.
type knownHost struct {
	// options are ssh's options (ssh_config(5)).
	options []string
	// unverified is the reason why the machine's keys are not known.
	unverified error
	file       string
}

// remove deletes the file in the options.
func (k knownHost) remove() {
	if k.file != "" {
		_ = os.Remove(k.file)
	}
}

// newKnownHost returns the options for a machine. DigitalOcean's API does not have the
// host keys of a Droplet, so the machine writes them to the release store, where only
// it and the operator can write. Without them, ssh uses the operator's known hosts: it
// asks about a host that it does not know, and refuses it without a terminal.
func newKnownHost(ctx context.Context, m operate.Machines, id string) (knownHost, error) {
	// The name is the machine's own, since another machine can get its address.
	name := "droplet-" + id
	k := knownHost{options: append(slices.Clone(sshOptions), "HostKeyAlias="+name, "CheckHostIP=no")}
	var keys []string
	if keys, k.unverified = m.HostKeys(ctx, id); k.unverified != nil {
		k.options = append(k.options, "StrictHostKeyChecking=ask")
		return k, nil
	}
	f, err := os.CreateTemp("", "escala-known-hosts-")
	if err != nil {
		return k, fmt.Errorf("writing the machine's SSH host keys for ssh: %w", err)
	}
	k.file = f.Name()
	for _, key := range keys {
		if _, err = fmt.Fprintf(f, "%s %s\n", name, key); err != nil {
			break
		}
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		k.remove()
		return k, fmt.Errorf("writing the machine's SSH host keys for ssh: %w", err)
	}
	k.options = append(k.options,
		"StrictHostKeyChecking=yes",
		`UserKnownHostsFile="`+strings.ReplaceAll(k.file, "%", "%%")+`"`,
		"GlobalKnownHostsFile=/dev/null",
		"UpdateHostKeys=no",
	)
	return k, nil
}
