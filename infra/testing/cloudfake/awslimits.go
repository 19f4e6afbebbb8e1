package cloudfake

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"escala/infra/engine/offline"
)

// tagCharacters matches the tags that every service of AWS accepts.
var tagCharacters = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// limits returns the behaviours that refuse values that are too long, too many or
// malformed.
func (a *AWS) limits() []Behaviour {
	return []Behaviour{
		{
			Name: "tag-keys-ignore-case", Types: []string{awsRole}, Test: "TestTagsThatAWSRefuses",
			Does:   "Takes two tag keys of an IAM role that differ only in case for the same one, and refuses them.",
			Source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html",
			Before: func(e *offline.Event) error {
				seen := map[string]bool{}
				for key := range tags(*e) {
					if seen[strings.ToLower(key)] {
						return errors.New("InvalidInput: Duplicate tag keys found. Please note that Tag keys are case insensitive.") //nolint:revive,staticcheck // as AWS says it
					}
					seen[strings.ToLower(key)] = true
				}
				return nil
			},
		},
		{
			Name: "object-takes-ten-tags", Types: []string{awsObject}, Test: "TestManyTags",
			Does:   "Takes at most ten tags on an object in S3.",
			Source: "https://github.com/hashicorp/terraform-provider-aws/issues/19895",
			Before: func(e *offline.Event) error {
				if len(tags(*e)) > 10 {
					return errors.New("BadRequest: Object tags cannot be greater than 10")
				}
				return nil
			},
		},
		{
			Name: "tag-characters", Types: awsTaggable, Test: "TestTagsThatAWSRefuses",
			Does:   "Takes letters, digits, spaces and _ . : / = + - @ in tags.",
			Source: "https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html",
			Before: func(e *offline.Event) error {
				for key, value := range tags(*e) {
					if !tagCharacters.MatchString(key) || !tagCharacters.MatchString(value) {
						return fmt.Errorf("ValidationError: the tag %q contains invalid characters", key)
					}
				}
				return nil
			},
		},
		{
			Name: "parameter-takes-4-kib", Types: []string{awsParameter}, Test: "TestLongSecret",
			Does:   "Takes 4096 bytes in a parameter of the standard tier, 8192 in one of the advanced tier, which Intelligent-Tiering chooses.",
			Source: "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html",
			Before: func(e *offline.Event) error {
				limit := 4096
				if tier := text(e.Inputs, "tier"); tier == "Advanced" || tier == "Intelligent-Tiering" {
					limit = 8192
				}
				if size := len(text(e.Inputs, "value")); size > limit && (e.Operation == offline.Create || e.Operation == offline.Update) {
					return fmt.Errorf("ValidationException: parameter value of %d characters is longer than %d", size, limit)
				}
				return nil
			},
		},
		{
			Name: "role-policies-take-10-kib", Types: []string{awsRolePolicy}, Test: "TestManySecrets",
			Does:   "Takes 10,240 bytes in all inline policies of a role together.",
			Source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
			Before: func(e *offline.Event) error {
				if e.Operation == offline.Delete {
					return nil
				}
				role, size := text(e.Inputs, "role"), len(text(e.Inputs, "policy"))
				for _, other := range a.OfType(awsRolePolicy) {
					if other.ID != e.ID && text(other.Inputs, "role") == role {
						size += len(text(other.Inputs, "policy"))
					}
				}
				if size > 10240 {
					return fmt.Errorf("LimitExceeded: Maximum policy size of 10240 bytes exceeded for role %s", role)
				}
				return nil
			},
		},
		{
			Name: "repository-name", Types: []string{awsRepository}, Test: "TestNamesThatAWSTakes",
			Does:   "Takes single separators between lower-case letters and digits in a repository's name.",
			Source: "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html",
			Before: func(e *offline.Event) error {
				if name := text(e.Inputs, "name"); !repositoryName.MatchString(name) {
					return fmt.Errorf("InvalidParameterException: Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression': %q", name)
				}
				return nil
			},
		},
	}
}

var repositoryName = regexp.MustCompile(`^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$`)
