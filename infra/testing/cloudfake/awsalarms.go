package cloudfake

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
)

const awsSubscription = "aws:sns/topicSubscription:TopicSubscription"

// alarms returns the behaviours of SNS.
func (a *AWS) alarms() []Behaviour {
	return []Behaviour{{
		Name: "email-waits-for-its-owner", Test: "TestAWSAlarms", Types: []string{awsSubscription},
		Does:   "Sends nothing to an address before its owner has followed a link, and the provider does not wait for that.",
		Source: "https://www.pulumi.com/registry/packages/aws/api-docs/sns/topicsubscription/",
		After: func(e *offline.Event) bool {
			if e.Operation != offline.Create || text(e.Inputs, "protocol") != "email" {
				return false
			}
			e.Outputs["pendingConfirmation"] = resource.NewProperty(true)
			return true
		},
	}}
}
