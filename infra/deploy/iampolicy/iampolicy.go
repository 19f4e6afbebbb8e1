// Package iampolicy writes IAM policy documents for all targets on AWS.
package iampolicy

import (
	"encoding/json"
	"fmt"
	"strings"
)

// policy is an IAM policy document ("Grammar of the IAM JSON policy language").
type policy struct {
	Version   string
	Statement []Statement
}

// Statement is one statement of a policy. Empty fields are left out.
type Statement struct {
	Sid       string                       `json:",omitempty"`
	Effect    string                       `json:",omitempty"`
	Principal any                          `json:",omitempty"`
	Action    []string                     `json:",omitempty"`
	Resource  []string                     `json:",omitempty"`
	Condition map[string]map[string]string `json:",omitempty"`
}

// Document returns a policy with these statements as JSON, as AWS expects it.
func Document(statements ...Statement) (string, error) {
	b, err := json.Marshal(policy{Version: "2012-10-17", Statement: statements})
	if err != nil {
		return "", fmt.Errorf("writing a policy document: %w", err)
	}
	return string(b), nil
}

// Trust returns the trust policy of a role for an AWS service. principal is the
// service's principal ("ec2.amazonaws.com", see ServiceDomain).
func Trust(principal string, actions ...string) (string, error) {
	return Document(Statement{
		Effect:    "Allow",
		Principal: map[string]string{"Service": principal},
		Action:    actions,
	})
}

// Partition returns the AWS partition (aws, aws-cn, …) of an ARN.
func Partition(arn string) (string, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return "", fmt.Errorf("AWS returned the caller %q, which is not an ARN", arn)
	}
	return parts[1], nil
}

// ServiceDomain returns the domain of AWS' service principals in a partition.
func ServiceDomain(partition string) string {
	if partition == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}
