package cloudinit

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"escala/cloudinit/agent/secrets"
)

// Secrets is where a machine gets the values of Spec.Secrets from. Its agent
// writes them to memory, where root and the service's user read them, when it
// starts and before each roll.
type Secrets interface {
	settings() secrets.Settings
	files() ([]File, error)
}

// ParameterSecrets are SecureStrings in AWS' Systems Manager Parameter Store
// that the machine reads with the role that it was given. User-data holds only
// their names.
type ParameterSecrets struct {
	// Names are the environment variables.
	Names []string
	// Path is what stands before each name in the store, with a slash at its
	// beginning and none at its end.
	Path   string
	Region string
	// Revision changes when a value does. It makes user-data another one, so
	// that a new value reaches the service behind the same gate as any change.
	Revision string
	// Endpoint is the service's URL, without a slash at its end. Default: AWS's
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

// FileSecrets stand in user-data themselves, for a cloud whose machines have no
// other way to a secret: each account that may read the machine's user-data
// reads them, its root included.
type FileSecrets struct {
	// Values by the names of environment variables.
	Values map[string]string
}

// secretsFile is where they are on the machine, for root only.
const secretsFile = "/etc/escala/secrets.json"

func (s FileSecrets) settings() secrets.Settings {
	return secrets.Settings{Names: slices.Sorted(maps.Keys(s.Values)), File: secretsFile}
}

func (s FileSecrets) files() ([]File, error) {
	content, err := json.MarshalIndent(s.Values, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the secrets: %w", err)
	}
	return []File{{Path: secretsFile, Content: string(content) + "\n", RootOnly: true}}, nil
}

// secretsFiles are what the agent reads them from.
func (m Machine) secretsFiles() ([]File, error) {
	if m.Secrets == nil {
		return nil, nil
	}
	return m.Secrets.files()
}
