package check

import (
	"context"

	"escala/infra/plan"
)

// metadata requires version 2 of EC2's metadata service. Version 1 gives the
// instance's role to any client that can make the service fetch a URL.
func metadata(_ context.Context, s *subject) {
	for _, r := range s.byType("aws:ec2/instance:Instance") {
		options := at(r.Raw, "metadataOptions")
		if text(options, "httpEndpoint") == "disabled" {
			continue
		}
		if text(options, "httpTokens") != "required" {
			s.add(plan.Error, r.Name+".metadataOptions", "the metadata service answers without a token (IMDSv1)", "httpTokens: required")
		}
		if hops, set := number(options, "httpPutResponseHopLimit"); set && hops > 1 {
			s.add(plan.Warning, r.Name+".metadataOptions", "containers on the instance reach the metadata service", "httpPutResponseHopLimit: 1")
		}
	}
}
