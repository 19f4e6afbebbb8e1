package check

import (
	"context"

	"escala/infra/plan"
	"escala/infra/plan/values"
)

// metadata requires version 2 of EC2's metadata service. Version 1 gives the
// instance's role to any client that can make the service fetch a URL.
func metadata(_ context.Context, s *subject) {
	for _, r := range s.byType("aws:ec2/instance:Instance") {
		options := values.At(r.Raw, "metadataOptions")
		if values.Text(options, "httpEndpoint") == "disabled" {
			continue
		}
		if values.Text(options, "httpTokens") != "required" {
			s.add(plan.Error, r.Name+".metadataOptions", "the metadata service answers without a token (IMDSv1)", "httpTokens: required")
		}
		if hops, set := values.Number(options, "httpPutResponseHopLimit"); set && hops > 1 {
			s.add(plan.Warning, r.Name+".metadataOptions", "containers on the instance reach the metadata service", "httpPutResponseHopLimit: 1")
		}
	}
}
