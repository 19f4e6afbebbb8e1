package awsec2

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
	"escala/infra/deploy/awsalarm"
	"escala/infra/deploy/gate"
)

// statusCheck is one of EC2's checks of an instance, and CloudWatch's action if it
// fails. The numbers of minutes differ, because otherwise the two actions would
// race ("Create alarms to stop, terminate, reboot, or recover an EC2 instance").
type statusCheck struct {
	part, metric, action, meaning string
	minutes                       int
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
	mail, err := awsalarm.NewMail(d.Component)
	if err != nil {
		return err
	}
	id := m.ID().ApplyT(func(id pulumi.ID) string { return string(id) }).(pulumi.StringOutput)
	for _, check := range statusChecks {
		if err := mail.Add(awsalarm.Alarm{
			Part:  check.part,
			Means: check.meaning,
			Metric: awsalarm.Metric{
				Namespace: "AWS/EC2", Name: check.metric, Statistic: "Maximum",
				Dimensions: pulumi.StringMap{"InstanceId": gate.After(id, endpoint.Release)},
			},
			Threshold: 1,
			Periods:   check.minutes,
			Actions:   []string{instanceAction(d.settings.Region, check.action)},
		}); err != nil {
			return err
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
