package cloudfake

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
)

// tags returns the tags that AWS gets: the resource's own, and the provider's
// defaults.
func tags(e offline.Event) map[string]string {
	all := map[string]string{}
	inputs := offline.Plain(e.Inputs)
	if _, overridden := inputs["overrideProvider"]; !overridden {
		maps.Copy(all, defaultTags(e.Config))
	}
	own, _ := inputs["tags"].(map[string]any)
	for key, value := range own {
		all[key] = fmt.Sprint(value)
	}
	return all
}

// defaultTags returns a provider's default tags. Its configuration has objects as
// JSON.
func defaultTags(config resource.PropertyMap) map[string]string {
	var d struct {
		Tags map[string]string `json:"tags"`
	}
	switch value := offline.Plain(config)["defaultTags"].(type) {
	case string:
		// The provider's own SDK wrote it.
		_ = json.Unmarshal([]byte(value), &d)
	case map[string]any:
		b, err := json.Marshal(value)
		if err == nil {
			_ = json.Unmarshal(b, &d)
		}
	}
	return d.Tags
}
