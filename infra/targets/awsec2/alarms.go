package awsec2

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
	"escala/infra/deploy/gate"
)

// statusCheck is one of EC2's checks of an instance, and CloudWatch's action if it
// fails. The numbers of minutes differ, because otherwise the two actions would
// race ("Create alarms to stop, terminate, reboot, or recover an EC2 instance").
type statusCheck struct {
	part, metric, action, means string
	minutes                     int
}

var statusChecks = []statusCheck{
	{"system-check", "StatusCheckFailed_System", "recover", "AWS' hardware or network under the machine fails; it is moved to other hardware", 2},
	{"instance-check", "StatusCheckFailed_Instance", "reboot", "the machine does not answer EC2; it is rebooted", 3},
}

// alarms registers the alarms on the machine's status checks, and the topic that
// sends them by e-mail. They watch the machine that has passed the gate.
func (d deployment) alarms(m *ec2.Instance, endpoint deploy.Endpoint) error {
	if len(d.Request.AlarmEmails) == 0 {
		return nil
	}
	topic, err := sns.NewTopic(d.Ctx, d.Name("alarms"), &sns.TopicArgs{
		DisplayName: pulumi.String(d.Ctx.Project() + " " + d.Ctx.Stack()),
	}, d.Options()...)
	if err != nil {
		return fmt.Errorf("registering the topic of the alarms: %w", err)
	}
	for _, address := range d.Request.AlarmEmails {
		// AWS first sends a confirmation link to the address, and no alarms until its
		// owner has opened the link.
		if _, err := sns.NewTopicSubscription(d.Ctx, d.Name("alarms-"+address), &sns.TopicSubscriptionArgs{
			Topic:    topic.Arn,
			Protocol: pulumi.String("email"),
			Endpoint: pulumi.String(address),
		}, d.Options()...); err != nil {
			return fmt.Errorf("registering the alarms to %s: %w", address, err)
		}
	}
	id := m.ID().ApplyT(func(id pulumi.ID) string { return string(id) }).(pulumi.StringOutput)
	for _, check := range statusChecks {
		if _, err := cloudwatch.NewMetricAlarm(d.Ctx, d.Name(check.part), &cloudwatch.MetricAlarmArgs{
			AlarmDescription:   pulumi.String(check.means),
			Namespace:          pulumi.String("AWS/EC2"),
			MetricName:         pulumi.String(check.metric),
			Dimensions:         pulumi.StringMap{"InstanceId": gate.After(id, endpoint.Release)},
			Statistic:          pulumi.String("Maximum"),
			Period:             pulumi.Int(60),
			EvaluationPeriods:  pulumi.Int(check.minutes),
			ComparisonOperator: pulumi.String("GreaterThanOrEqualToThreshold"),
			Threshold:          pulumi.Float64(1),
			AlarmActions:       pulumi.Array{pulumi.String(instanceAction(d.settings.Region, check.action)), topic.Arn},
			OkActions:          pulumi.Array{topic.Arn},
		}, d.Options()...); err != nil {
			return fmt.Errorf("registering the alarm %s: %w", check.part, err)
		}
	}
	return nil
}

// instanceAction returns the ARN of a CloudWatch action on an instance.
func instanceAction(region, action string) string {
	partition := "aws"
	switch {
	case strings.HasPrefix(region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		partition = "aws-us-gov"
	}
	return fmt.Sprintf("arn:%s:automate:%s:ec2:%s", partition, region, action)
}
