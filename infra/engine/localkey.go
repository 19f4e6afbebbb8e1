package engine

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/pkg/v3/secrets"
	"github.com/pulumi/pulumi/pkg/v3/secrets/passphrase"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
)

// localPassphrase encrypts the secrets of a state whose stack file has no salt.
// It hides secrets from accidental copies and output; the protection is the
// mode of the state's folder. A CLI with this passphrase in
// PULUMI_CONFIG_PASSPHRASE can open the state.
const localPassphrase = "escala"

// localSalt is the salt of the key of localPassphrase, in the form of package
// passphrase. All states share it: a random salt adds nothing to a public
// passphrase, and deriving a key takes a quarter of a second, which a state
// without secrets does not need.
const localSalt = "v1:WOt2sdad6U8=:v1:9kdfKURVRT70kgzR:JxF/Dd2VUlyyFGTdPCrQj7tTDFgdGA=="

// localKey is the key of localPassphrase and localSalt. It is derived on first
// use.
type localKey struct{}

var (
	_ secrets.Manager = localKey{}
	_ config.Crypter  = localKey{}
)

func (localKey) Type() string { return passphrase.Type }

func (localKey) State() json.RawMessage {
	return json.RawMessage(`{"salt":"` + localSalt + `"}`)
}

func (k localKey) Encrypter() config.Encrypter { return k }
func (k localKey) Decrypter() config.Decrypter { return k }

// localCrypter derives the key.
var localCrypter = sync.OnceValue(func() config.Crypter {
	_, encoded, _ := strings.Cut(localSalt, ":")
	encoded, _, _ = strings.Cut(encoded, ":")
	salt, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		panic(err) // the passphrase and the salt are constants
	}
	return config.NewSymmetricCrypterFromPassphrase(localPassphrase, salt)
})

func (localKey) EncryptValue(ctx context.Context, text string) (string, error) {
	return localCrypter().EncryptValue(ctx, text)
}

func (localKey) DecryptValue(ctx context.Context, text string) (string, error) {
	return localCrypter().DecryptValue(ctx, text)
}

func (localKey) BatchEncrypt(ctx context.Context, texts []string) ([]string, error) {
	return localCrypter().BatchEncrypt(ctx, texts)
}

func (localKey) BatchDecrypt(ctx context.Context, texts []string) ([]string, error) {
	return localCrypter().BatchDecrypt(ctx, texts)
}
