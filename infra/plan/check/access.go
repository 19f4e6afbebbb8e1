package check

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"escala/infra/plan"
	"escala/infra/plan/values"
)

// policies maps a resource type to its inputs that hold IAM documents. A
// resource policy states who may act; the others state which actions are
// allowed.
var policies = map[string][]string{
	"aws:iam/policy:Policy":                     {"policy"},
	"aws:iam/rolePolicy:RolePolicy":             {"policy"},
	"aws:iam/userPolicy:UserPolicy":             {"policy"},
	"aws:iam/groupPolicy:GroupPolicy":           {"policy"},
	"aws:iam/role:Role":                         {"assumeRolePolicy"},
	"aws:s3/bucketPolicy:BucketPolicy":          {"policy"},
	"aws:ecr/repositoryPolicy:RepositoryPolicy": {"policy"},
	"aws:kms/key:Key":                           {"policy"},
}

// anyResource lists the prefixes of the actions for which AWS supports no
// narrower resource than "*" ("Actions, resources, and condition keys for AWS
// services").
var anyResource = []string{
	"ssmmessages:", "ec2:Describe", "ecr:GetAuthorizationToken", "sts:GetCallerIdentity",
	"cloudwatch:PutMetricData", "elasticloadbalancing:Describe", "s3:ListAllMyBuckets",
}

type statement struct {
	Sid       string
	Effect    string
	Principal any
	Action    any
	NotAction any
	Resource  any
	Condition map[string]any
}

// access finds permissions without bounds.
func access(_ context.Context, s *subject) {
	for _, r := range s.Resources {
		for _, input := range policies[r.Type] {
			if document, ok := r.Raw[input].(string); ok {
				s.policy(r, input, document)
			}
		}
		if r.Type == "aws:iam/role:Role" {
			for _, inline := range values.List(r.Raw, "inlinePolicies") {
				s.policy(r, "inlinePolicies", values.Text(inline, "policy"))
			}
			for _, arn := range textList(r.Raw, "managedPolicyArns") {
				s.managed(r, arn)
			}
		}
		if r.Type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment" {
			s.managed(r, values.Text(r.Raw, "policyArn"))
		}
	}
}

func (s *subject) managed(r plan.Resource, arn string) {
	name := arn[strings.LastIndex(arn, "/")+1:]
	if name == "AdministratorAccess" || name == "PowerUserAccess" || strings.HasSuffix(name, "FullAccess") {
		s.add(plan.Error, r.Name, "has the managed policy "+name, "a policy with the actions that are needed")
	}
}

func (s *subject) policy(r plan.Resource, input, document string) {
	where := r.Name + "." + input
	var parsed struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(document), &parsed); err != nil {
		s.add(plan.Error, where, "is not a policy: "+err.Error(), "an IAM document in JSON")
		return
	}
	var statements []statement
	if err := json.Unmarshal(parsed.Statement, &statements); err != nil {
		var one statement
		if err := json.Unmarshal(parsed.Statement, &one); err != nil {
			s.add(plan.Error, where, "has statements that cannot be read: "+err.Error(), "an IAM document in JSON")
			return
		}
		statements = []statement{one}
	}
	for _, one := range statements {
		if one.Effect == "Allow" {
			s.allowed(r, where, one)
		}
	}
}

func (s *subject) allowed(r plan.Resource, where string, one statement) {
	if one.Sid != "" {
		where += " (" + one.Sid + ")"
	}
	actions := textList(one.Action)
	for _, action := range actions {
		if action == "*" || strings.HasSuffix(action, ":*") {
			s.add(plan.Error, where, "allows every action ("+action+")", "the actions that are needed, by name")
		}
	}
	if one.NotAction != nil {
		s.add(plan.Error, where, "allows every action but some (NotAction)", "the actions that are needed, by name")
	}
	open := slices.Contains(textList(one.Principal), "*") || slices.Contains(textList(one.Principal, "AWS"), "*")
	if open && len(one.Condition) == 0 {
		s.add(plan.Error, where, "allows everybody (Principal *)", "the principals that need it")
	}
	if !slices.Contains(textList(one.Resource), "*") || r.Type == "aws:kms/key:Key" {
		return
	}
	narrow := slices.DeleteFunc(slices.Clone(actions), func(action string) bool {
		return slices.ContainsFunc(anyResource, func(prefix string) bool { return strings.HasPrefix(action, prefix) })
	})
	switch {
	case len(narrow) == 0 && len(actions) > 0:
		s.add(plan.Notice, where, "applies to every resource: AWS supports no narrower one for "+strings.Join(actions, ", "), "")
	case len(one.Condition) > 0:
		s.add(plan.Warning, where, "applies to every resource that its condition allows: "+strings.Join(narrow, ", "), "the resources by name, where AWS supports it")
	default:
		s.add(plan.Error, where, "applies to every resource: "+strings.Join(narrow, ", "), "the resources that are needed, by name")
	}
}
