package clouds

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
)

// Random replaces the random provider. It returns the same numbers each time;
// other seeds give other numbers. Seeds are optional.
func Random(seeds ...string) *offline.Provider {
	return offline.New(offline.Schema{
		Package: "random",
		Version: "4.18.0",
		Config:  &random.ProviderArgs{},
		Resources: map[string]offline.Resource{
			"random:index/randomBytes:RandomBytes": {Args: &random.RandomBytesArgs{}, State: random.RandomBytes{}, Replaces: []string{"length", "keepers"}},
			"random:index/randomId:RandomId":       {Args: &random.RandomIdArgs{}, State: random.RandomId{}, Replaces: []string{"byteLength", "keepers", "prefix"}},
		},
	}, func(e *offline.Event) error {
		if e.Operation != offline.Create {
			return nil
		}
		secret := e.Type == "random:index/randomBytes:RandomBytes"
		length := e.Inputs["byteLength"]
		if secret {
			length = e.Inputs["length"]
		}
		seed := strings.Join(append(seeds, e.Name), "/")
		if keepers, ok := offline.Plain(e.Inputs)["keepers"]; ok {
			seed += fmt.Sprint(keepers)
		}
		sum := sha256.Sum256([]byte(seed))
		bytes := int(length.NumberValue())
		if bytes > len(sum) {
			return fmt.Errorf("more than %d bytes are not available", len(sum))
		}
		e.Outputs["hex"] = resource.NewStringProperty(hex.EncodeToString(sum[:bytes]))
		if secret {
			// The provider marks them as sensitive.
			e.Outputs["hex"] = resource.MakeSecret(e.Outputs["hex"])
			e.Outputs["base64"] = resource.MakeSecret(e.Outputs["base64"])
		}
		return nil
	})
}
