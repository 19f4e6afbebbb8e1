package host

import (
	"io"
	"os"
	"path/filepath"
	"strings"
)

// sshHostKeyFiles are the public host keys of Debian's OpenSSH (sshd_config(5),
// HostKey). An image has none: cloud-init makes them at a machine's first boot.
const sshHostKeyFiles = "/etc/ssh/ssh_host_*_key.pub"

// sshHostKeyLimit is more than the bytes of a public key in a file.
const sshHostKeyLimit = 8 << 10

// sshHostKeys returns the public host keys of the machine's SSH server, without
// their comments.
func sshHostKeys(root Root) []string {
	paths, _ := filepath.Glob(root.path(sshHostKeyFiles)) // the pattern is valid
	var keys []string
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		content, err := io.ReadAll(io.LimitReader(f, sshHostKeyLimit))
		f.Close()
		if fields := strings.Fields(string(content)); err == nil && len(fields) >= 2 {
			keys = append(keys, fields[0]+" "+fields[1])
		}
	}
	return keys
}
