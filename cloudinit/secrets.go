package cloudinit

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"escala/cloudinit/agent/secrets"
)

// Secrets is the source of the values of Spec.Secrets on a machine. The agent
// reads them when it starts and before each roll. It writes them to memory,
// where root and the service's user can read them.
type Secrets interface {
	settings() secrets.Settings
	files() ([]File, error)
}

// ParameterSecrets are SecureStrings in AWS Systems Manager Parameter Store.
// The machine reads them with its role. User-data holds only their names. The
// secrets for HTTPS are beside them, as TLSSeedName and TLSCertificateName.
type ParameterSecrets struct {
	// Names are the names of environment variables.
	Names []string
	// Path is the prefix of each name in the store. It begins with a slash and
	// does not end with one.
	Path   string
	Region string
	// Revision changes when a value changes. It changes user-data too, so that
	// a new value reaches the service through the same gate as any change.
	Revision string
	// Endpoint is the service's URL, without a trailing slash. Default: AWS's
	// own for the region.
	Endpoint string
}

func (s ParameterSecrets) settings() secrets.Settings {
	return secrets.Settings{
		Names: s.Names, Revision: s.Revision,
		Parameters: &secrets.ParameterSettings{Path: s.Path, Region: s.Region, Endpoint: s.Endpoint},
	}
}

func (ParameterSecrets) files() ([]File, error) { return nil, nil }

// FileSecrets are part of user-data. They are for a cloud whose machines cannot get
// a secret in another way. Each account that may read the machine's user-data can
// read them, and so can root on the machine.
type FileSecrets struct {
	// Values maps names of environment variables to their values. Every worker
	// gets all of them.
	Values map[string]string
	// TLS holds the secrets for HTTPS, which no worker gets.
	TLS TLSSecrets
	// Webhook is the URL that the machine's events go to. Optional.
	Webhook string
}

// WebhookName is the name of the webhook's URL in ParameterSecrets: a parameter below
// Path. No worker gets it.
const WebhookName = secrets.Webhook

// secretsFile is the path of the secrets on the machine. Only root can read it.
const secretsFile = "/etc/escala/secrets.json" //nolint:gosec // G101: a path

func (s FileSecrets) settings() secrets.Settings {
	return secrets.Settings{Names: slices.Sorted(maps.Keys(s.Values)), File: secretsFile}
}

func (s FileSecrets) files() ([]File, error) {
	all := s.TLS.values()
	maps.Copy(all, s.Values)
	if s.Webhook != "" {
		all[WebhookName] = s.Webhook
	}
	content, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the secrets: %w", err)
	}
	return []File{{Path: secretsFile, Content: string(content) + "\n", RootOnly: true}}, nil
}

// secretsFiles returns the files from which the agent reads the secrets.
func (m Machine) secretsFiles() ([]File, error) {
	if m.Secrets == nil {
		return nil, nil
	}
	return m.Secrets.files()
}
