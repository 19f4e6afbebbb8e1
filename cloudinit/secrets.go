package cloudinit

import (
	"fmt"
	"strings"
)

// Secrets is where a machine gets the values of Spec.Secrets from. On the
// machine it is one program, "secrets", that writes them to memory
// (/run/escala-secrets/environment), where root and the service's user read
// them. It runs at boot and before each roll.
type Secrets interface {
	program() string
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

func (ParameterSecrets) program() string { return secretsParameters }

func (s ParameterSecrets) files() ([]File, error) {
	endpoint := s.Endpoint
	if endpoint == "" {
		endpoint = fmt.Sprintf("https://ssm.%s.%s", s.Region, awsDomain(s.Region))
	}
	content, err := shellAssignments("# Which secrets the service gets. Revision "+s.Revision+".\n", "", map[string]string{
		"SECRETS_NAMES":  strings.Join(s.Names, " "),
		"SECRETS_PATH":   s.Path,
		"SECRETS_URL":    endpoint,
		"SECRETS_REGION": s.Region,
	})
	if err != nil {
		return nil, fmt.Errorf("writing the secrets' settings: %w", err)
	}
	return []File{{Path: "/etc/escala/secrets.conf", Content: content}}, nil
}

// FileSecrets stand in user-data themselves, for a cloud whose machines have no
// other way to a secret: whoever may read the machine's user-data reads them,
// its root included.
type FileSecrets struct {
	// Values by the names of environment variables.
	Values map[string]string
}

func (FileSecrets) program() string { return secretsFile }

func (s FileSecrets) files() ([]File, error) {
	content, err := shellAssignments("# What every worker gets and nobody else may read.\n", "export ", s.Values)
	if err != nil {
		return nil, fmt.Errorf("writing the secrets: %w", err)
	}
	return []File{{Path: "/etc/escala/secrets.conf", Content: content, RootOnly: true}}, nil
}

// secretsFiles are the program, what it reads and the unit that runs it before
// anything needs it.
func (m Machine) secretsFiles() ([]File, error) {
	if m.Secrets == nil {
		return nil, nil
	}
	files, err := m.Secrets.files()
	if err != nil {
		return nil, err
	}
	return append(files,
		File{Path: programsFolder + "secrets", Content: m.Secrets.program(), Executable: true},
		File{Path: "/etc/systemd/system/escala-secrets.service", Content: `[Unit]
Description=Reads the service's secrets into memory
After=network-online.target escala-metadata.service
Wants=network-online.target
Before=supervisor.service release-follower.service
StartLimitIntervalSec=0

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=` + programsFolder + `secrets
Restart=on-failure
RestartSec=2

[Install]
WantedBy=multi-user.target
`}), nil
}
