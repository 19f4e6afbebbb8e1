package aws

import (
	"encoding/json"
	"fmt"
	"strings"
)

// policy is an IAM policy document ("Grammar of the IAM JSON policy language").
type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid       string                       `json:",omitempty"`
	Effect    string                       `json:",omitempty"`
	Principal any                          `json:",omitempty"`
	Action    []string                     `json:",omitempty"`
	Resource  []string                     `json:",omitempty"`
	Condition map[string]map[string]string `json:",omitempty"`
}

// document is a policy of those statements, as AWS takes it.
func document(statements ...statement) (string, error) {
	b, err := json.Marshal(policy{Version: "2012-10-17", Statement: statements})
	if err != nil {
		return "", fmt.Errorf("writing a policy document: %w", err)
	}
	return string(b), nil
}

// partition is the part of AWS (aws, aws-cn, …) that an ARN belongs to.
func partition(arn string) (string, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return "", fmt.Errorf("%q, which AWS says is calling, is not an ARN", arn)
	}
	return parts[1], nil
}
