package helm

import (
	"encoding/json"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Values converts a struct with json tags to a chart's values, so that the
// compiler checks the types of values.
func Values(from any) (pulumi.Map, error) {
	plain, err := Plain(from)
	if err != nil {
		return nil, err
	}
	return pulumi.ToMap(plain), nil
}

// Plain converts like Values, but to a plain map, for use in an apply.
func Plain(from any) (map[string]any, error) {
	b, err := json.Marshal(from)
	if err != nil {
		return nil, fmt.Errorf("writing a chart's values: %w", err)
	}
	var plain map[string]any
	if err := json.Unmarshal(b, &plain); err != nil {
		return nil, fmt.Errorf("writing a chart's values: %w", err)
	}
	return plain, nil
}
