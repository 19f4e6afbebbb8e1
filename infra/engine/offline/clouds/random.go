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
			"random:index/randomId:RandomId": {Args: &random.RandomIdArgs{}, State: random.RandomId{}, Replaces: []string{"byteLength", "keepers", "prefix"}},
		},
	}, func(e *offline.Event) error {
		if e.Operation != offline.Create {
			return nil
		}
		length := int(e.Inputs["byteLength"].NumberValue())
		of := strings.Join(append(seeds, e.Name), "/")
		if keepers, ok := offline.Plain(e.Inputs)["keepers"]; ok {
			of += fmt.Sprint(keepers)
		}
		sum := sha256.Sum256([]byte(of))
		if length > len(sum) {
			return fmt.Errorf("more than %d bytes are not available", len(sum))
		}
		e.Outputs["hex"] = resource.NewStringProperty(hex.EncodeToString(sum[:length]))
		return nil
	})
}
