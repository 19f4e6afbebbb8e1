package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/pkg/v3/resource/stack"
	"github.com/pulumi/pulumi/pkg/v3/secrets"
	"github.com/pulumi/pulumi/pkg/v3/secrets/passphrase"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"

	"escala/infra/engine/stackfile"
)

// keyring holds the keys of a stack's secrets. Deriving a key takes a quarter
// of a second, so each key is derived once, on first use.
//
// A stack file that the CLI has written to has a salt. Its key is opened with
// the passphrase that people use with the CLI, and the state has the same key,
// as with the CLI. Every other state uses localPassphrase, regardless of the
// environment. States of earlier versions used the environment's passphrase or
// an empty one: keyring tries those, and the next update writes
// localPassphrase.
type keyring struct {
	file *stackfile.File
	// encrypted means that the stack file has encrypted values. plain means that
	// those are nevertheless clear text.
	encrypted, plain bool

	// local is the key of states whose stack file has no salt.
	local secrets.Manager
}

func newKeyring(file *stackfile.File, encrypted, plain bool) *keyring {
	return &keyring{file: file, encrypted: encrypted, plain: plain, local: stack.NewBatchingCachingSecretsManager(localKey{})}
}

// opened are the keys that this process has opened, by salt.
var opened struct {
	sync.Mutex
	keys map[string]secrets.Manager
}

var errPassphrase = errors.New("no known passphrase opens it")

// decrypter returns the decrypter of the stack file's values.
func (k *keyring) decrypter() (config.Decrypter, error) {
	switch {
	case !k.encrypted:
		return config.NewPanicCrypter(), nil
	case k.plain:
		return plainDecrypter{}, nil
	}
	manager, err := k.fileManager()
	if err != nil {
		return nil, err
	}
	return manager.Decrypter(), nil
}

// plainDecrypter treats encrypted values as clear text. (config.NopDecrypter would
// leave their wrapper.)
type plainDecrypter struct{}

var _ config.Decrypter = plainDecrypter{}

func (plainDecrypter) DecryptValue(_ context.Context, text string) (string, error) { return text, nil }

func (plainDecrypter) BatchDecrypt(_ context.Context, texts []string) ([]string, error) {
	return texts, nil
}

// fileManager opens the key of the stack file.
func (k *keyring) fileManager() (secrets.Manager, error) {
	if provider := k.file.SecretsProvider(); provider != "" && provider != passphrase.Type && provider != "default" {
		return nil, fmt.Errorf("%s: secretsprovider %s is not supported here; use pulumi up", k.file.Path, provider)
	}
	if k.file.Salt() == "" {
		return nil, fmt.Errorf("%s: has encrypted values, but no encryptionsalt; set them again: pulumi config set --secret", k.file.Path)
	}
	manager, err := k.open(k.file.Salt())
	if err != nil {
		return nil, fmt.Errorf("%s: opening the encrypted values: %w; set %s, or %s, to the passphrase that encrypted them",
			k.file.Path, err, passphraseVariable, passphraseFileVariable)
	}
	return manager, nil
}

// manager returns the key to write the state with.
func (k *keyring) manager() (secrets.Manager, error) {
	if k.encrypted && !k.plain {
		return k.fileManager()
	}
	if k.file.Salt() != "" {
		if manager, err := k.open(k.file.Salt()); err == nil {
			return manager, nil
		}
	}
	return k.local, nil
}

// OfType opens the key that a state names.
func (k *keyring) OfType(_ context.Context, kind string, state json.RawMessage) (secrets.Manager, error) {
	if kind != passphrase.Type {
		return nil, fmt.Errorf("the state's secrets are of the kind %q, and only %q is supported here; use pulumi up", kind, passphrase.Type)
	}
	salt, err := saltOf(state)
	if err != nil {
		return nil, err
	}
	manager, err := k.open(salt)
	if err != nil {
		return nil, fmt.Errorf("opening the state's secrets: %w; set %s to the passphrase with which the stack was last updated", err, passphraseVariable)
	}
	return manager, nil
}

// open tries the possible passphrases for a salt.
func (k *keyring) open(salt string) (secrets.Manager, error) {
	if salt == localSalt {
		return k.local, nil
	}
	opened.Lock()
	defer opened.Unlock()
	if found, done := opened.keys[salt]; done {
		return found, nil
	}
	phrases, err := k.phrases(salt)
	if err != nil {
		return nil, err
	}
	for _, phrase := range phrases {
		manager, err := passphrase.GetPassphraseSecretsManager(phrase, salt)
		if err != nil {
			continue
		}
		if opened.keys == nil {
			opened.keys = map[string]secrets.Manager{}
		}
		opened.keys[salt] = stack.NewBatchingCachingSecretsManager(manager)
		return opened.keys[salt], nil
	}
	return nil, errPassphrase
}

const (
	passphraseVariable     = "PULUMI_CONFIG_PASSPHRASE"      //nolint:gosec // G101: a variable's name
	passphraseFileVariable = "PULUMI_CONFIG_PASSPHRASE_FILE" //nolint:gosec // G101: a variable's name
)

// phrases returns the possible passphrases, the likeliest first.
func (k *keyring) phrases(salt string) ([]string, error) {
	var phrases []string
	if phrase, set := os.LookupEnv(passphraseVariable); set {
		phrases = append(phrases, phrase)
	} else if path := os.Getenv(passphraseFileVariable); path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", passphraseFileVariable, err)
		}
		phrases = append(phrases, strings.TrimSpace(string(text)))
	}
	if salt == k.file.Salt() {
		return append(phrases, localPassphrase, ""), nil
	}
	return append([]string{localPassphrase}, append(phrases, "")...), nil
}

// saltOf returns the salt in a manager's state.
func saltOf(state json.RawMessage) (string, error) {
	var s struct {
		Salt string `json:"salt"`
	}
	if err := json.Unmarshal(state, &s); err != nil {
		return "", fmt.Errorf("the state's salt: %w", err)
	}
	return s.Salt, nil
}
