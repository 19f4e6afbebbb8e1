package preview

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"gopkg.in/yaml.v3"

	"escala/infra/plan"
)

// stackFile is a stack's configuration for a plan: what is encrypted for
// somebody else is there under a placeholder, still secret, so that a plan needs
// neither passphrase nor key service.
type stackFile struct {
	config map[string]any
	// placeholders are the keys with placeholders, in order.
	placeholders []string
	// unused are the keys of the file that a plan does without.
	unused  []string
	secrets *plan.Secrets

	crypter    config.Crypter
	passphrase string
}

// read reads a stack's file. Placeholders go into secrets.
func read(ctx context.Context, path string, secrets *plan.Secrets) (*stackFile, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the stack's configuration: %w", err)
	}
	var file map[string]any
	if err := yaml.Unmarshal(content, &file); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	s := &stackFile{config: map[string]any{}, secrets: secrets, passphrase: rand.Text()}
	salt := make([]byte, 8)
	if _, err := rand.Read(salt); err != nil {
		return nil, fmt.Errorf("drawing a salt: %w", err)
	}
	s.crypter = config.NewSymmetricCrypterFromPassphrase(s.passphrase, salt)
	proof, err := s.crypter.EncryptValue(ctx, "pulumi")
	if err != nil {
		return nil, fmt.Errorf("encrypting placeholders: %w", err)
	}
	for key := range file {
		if key != "config" && key != "encryptionsalt" {
			s.unused = append(s.unused, key)
		}
	}
	slices.Sort(s.unused)
	values, _ := file["config"].(map[string]any)
	for key, value := range values {
		if s.config[key], err = s.value(ctx, key, value); err != nil {
			return nil, err
		}
	}
	slices.Sort(s.placeholders)
	s.config = map[string]any{
		"config": s.config,
		// As Pulumi writes it: a text that only the right passphrase opens.
		"encryptionsalt": "v1:" + base64.StdEncoding.EncodeToString(salt) + ":" + proof,
	}
	return s, nil
}

// value is a value of the configuration with placeholders for what is secret.
func (s *stackFile) value(ctx context.Context, path string, value any) (any, error) {
	switch v := value.(type) {
	case map[string]any:
		if _, secure := v["secure"]; secure && len(v) == 1 {
			return s.placeholder(ctx, path)
		}
		out := map[string]any{}
		for key, one := range v {
			var err error
			if out[key], err = s.value(ctx, path+"."+key, one); err != nil {
				return nil, err
			}
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			var err error
			if out[i], err = s.value(ctx, fmt.Sprintf("%s[%d]", path, i), one); err != nil {
				return nil, err
			}
		}
		return out, nil
	default:
		return value, nil
	}
}

func (s *stackFile) placeholder(ctx context.Context, path string) (any, error) {
	value := "placeholder-for-" + path
	s.secrets.Add("the value of "+path, value)
	s.placeholders = append(s.placeholders, path)
	encrypted, err := s.crypter.EncryptValue(ctx, value)
	if err != nil {
		return nil, fmt.Errorf("encrypting a placeholder for %s: %w", path, err)
	}
	return map[string]any{"secure": encrypted}, nil
}

// write writes the configuration as Pulumi reads it.
func (s *stackFile) write(path string) error {
	out, err := yaml.Marshal(s.config)
	if err != nil {
		return fmt.Errorf("writing the plan's configuration: %w", err)
	}
	if err := os.WriteFile(path, out, 0o600); err != nil {
		return fmt.Errorf("writing the plan's configuration: %w", err)
	}
	return nil
}
