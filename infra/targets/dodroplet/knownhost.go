package dodroplet

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"escala/infra/operate"
)

// knownHost returns the options (ssh_config(5)) by which ssh recognizes a machine, and
// the function that removes their file. DigitalOcean's API does not have the host keys
// of a Droplet, so the machine writes them to the release store, where only it and the
// operator can write. Without them, ssh uses the operator's known hosts: it asks about
// a host that it does not know, and refuses it without a terminal.
func knownHost(ctx context.Context, m operate.Machines, id string, warnings io.Writer) ([]string, func(), error) {
	// The name is the machine's own, since another machine can get its address.
	name := "droplet-" + id
	options := append(slices.Clone(sshOptions), "HostKeyAlias="+name, "CheckHostIP=no")
	keys, unknown := m.HostKeys(ctx, id)
	if unknown != nil {
		fmt.Fprintf(warnings, "the machine's SSH host key is not known: %s\n", operate.Plain(unknown.Error()))
		return append(options, "StrictHostKeyChecking=ask"), func() {}, nil
	}
	file, err := writeKnownHosts(name, keys)
	if err != nil {
		return nil, nil, fmt.Errorf("writing the machine's SSH host keys for ssh: %w", err)
	}
	return append(options,
		"StrictHostKeyChecking=yes",
		`UserKnownHostsFile="`+strings.ReplaceAll(file, "%", "%%")+`"`,
		"GlobalKnownHostsFile=/dev/null",
		"UpdateHostKeys=no",
	), func() { _ = os.Remove(file) }, nil
}

// writeKnownHosts returns a new file with a host's keys.
func writeKnownHosts(name string, keys []string) (string, error) {
	f, err := os.CreateTemp("", "escala-known-hosts-")
	if err != nil {
		return "", err
	}
	for _, key := range keys {
		if _, err = fmt.Fprintf(f, "%s %s\n", name, key); err != nil {
			break
		}
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}
