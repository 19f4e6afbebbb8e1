package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/certificate"
	"escala/cloudinit/agent/secrets"
	"escala/cloudinit/agent/store"
)

// Config is the machine's configuration, the content of ConfigFile.
type Config struct {
	agent.Config
	Store store.Settings `json:"store"`
	// Secrets is null for a service without secrets.
	Secrets *secrets.Settings `json:"secrets,omitempty"`
	// Certificate is null for a machine without HTTPS.
	Certificate *certificate.Settings `json:"certificate,omitempty"`
	// Operator verifies the operator's requests (request.Key.Public). A machine
	// without it answers none.
	Operator string `json:"operator,omitempty"`
	// Notify is null for a machine that sends no events.
	Notify *Notify `json:"notify,omitempty"`
	// Metadata is the URL of the cloud's metadata service. Default: the cloud's.
	Metadata string `json:"metadata,omitempty"`
	// Units are the units whose deaths the status reports.
	Units []string `json:"units"`
}

// Notify describes the events that a machine sends to the webhook, whose URL is
// among the secrets.
type Notify struct {
	// Stack is the project and the stack, in each event.
	Stack string `json:"stack"`
}

// StoreKeyFile holds the machine's key for the release store. Only root can
// read it.
const StoreKeyFile = "/etc/escala/store-key.json"

// StoreKey is the content of StoreKeyFile.
type StoreKey struct {
	Access string `json:"access"`
	Secret string `json:"secret"`
}

// StoreKey reads the key. It returns an empty key if the machine has none.
func (r Root) StoreKey() (StoreKey, error) {
	var key StoreKey
	content, err := os.ReadFile(r.path(StoreKeyFile))
	if errors.Is(err, os.ErrNotExist) {
		return key, nil
	}
	if err != nil {
		return key, fmt.Errorf("reading the release store's key: %w", err)
	}
	if json.Unmarshal(content, &key) != nil {
		// The decoder's error could contain the key.
		return key, fmt.Errorf("reading the release store's key: %s is not valid JSON", StoreKeyFile)
	}
	return key, nil
}

// Config reads the configuration.
func (r Root) Config() (Config, error) {
	content, err := os.ReadFile(r.path(ConfigFile))
	if err != nil {
		return Config{}, fmt.Errorf("reading the agent's configuration: %w", err)
	}
	var c Config
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("reading the agent's configuration %s: %w", ConfigFile, err)
	}
	if err := c.Validate(); err != nil {
		return Config{}, fmt.Errorf("reading the agent's configuration %s: %w", ConfigFile, err)
	}
	if c.Certificate != nil {
		if err := c.Certificate.Validate(); err != nil {
			return Config{}, fmt.Errorf("reading the agent's configuration %s: %w", ConfigFile, err)
		}
	}
	return c, nil
}

// MachineID returns the cloud's id of this machine, which cloud-init stores in
// a file.
func (r Root) MachineID() string {
	content, err := os.ReadFile(r.path("/var/lib/cloud/data/instance-id"))
	if err != nil {
		return ""
	}
	id := strings.Map(func(c rune) rune {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.ContainsRune("._-", c):
			return c
		}
		return -1
	}, string(content))
	return id[:min(len(id), 64)]
}
