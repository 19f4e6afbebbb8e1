// Package unpack extracts the contents of resources: the files in user-data
// that cloud-init writes, and the manifests of a cluster.
package unpack

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"escala/infra/plan"
)

// Carries reports whether an input of a resource type is user-data.
func Carries(kind, input string) bool {
	return input == "userData" || input == "userDataBase64"
}

// limits lists each cloud's maximum size of user-data, in bytes before base64,
// by the prefix of the resource type ("Run commands when you launch an EC2
// instance with user data input"; "Droplet metadata: user data").
var limits = []struct {
	prefix string
	bytes  int
}{
	{"aws:", 16 << 10},
	{"digitalocean:", 64 << 10},
}

// largest is the maximum size of decompressed user-data, in bytes.
const largest = 1 << 20

// Machines returns the machines that user-data describes.
func Machines(resources []plan.Resource, secrets *plan.Secrets) []plan.Machine {
	var machines []plan.Machine
	for _, r := range resources {
		for _, input := range []string{"userData", "userDataBase64"} {
			text, _ := r.Raw[input].(string)
			if text == "" || !Carries(r.Type, input) {
				continue
			}
			m := machine(text, secrets)
			m.Resource, m.Name, m.Sealed = r.URN, r.Name, r.Secret[input]
			for _, limit := range limits {
				if strings.HasPrefix(r.Type, limit.prefix) {
					m.Limit = limit.bytes
				}
			}
			machines = append(machines, m)
		}
	}
	return machines
}

func machine(text string, secrets *plan.Secrets) plan.Machine {
	data := []byte(text)
	// Gzip is passed as base64. A plain cloud-config never decodes as base64.
	if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
		data = decoded
	}
	m := plan.Machine{Bytes: len(data)}
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		m.Encoding = "gzip"
		var err error
		if data, err = gunzip(data); err != nil {
			m.Error = err.Error()
			return m
		}
	}
	m.Raw = string(data)
	files, err := userData(data)
	if err != nil {
		m.Error = err.Error()
	}
	for _, f := range files {
		f.Size, f.Content = len(f.Raw), secrets.Mask(f.Raw)
		m.Files = append(m.Files, f)
	}
	return m
}

func gunzip(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("decompressing: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(z, largest+1))
	if err != nil {
		return nil, fmt.Errorf("decompressing: %w", err)
	}
	if len(plain) > largest {
		return nil, fmt.Errorf("decompressing: it is larger than %d bytes", largest)
	}
	return plain, nil
}
