// Package awsalarm registers CloudWatch alarms that SNS sends by e-mail. The
// targets on AWS say what the alarms watch.
package awsalarm

import (
	"cmp"
	"fmt"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
)

// Mail is the topic that sends a stack's alarms by e-mail.
type Mail struct {
	component *deploy.Component
	topic     *sns.Topic
}

// NewMail registers the topic and a subscription for each of the request's alarm
// e-mail addresses, which must not be empty.
func NewMail(c *deploy.Component) (Mail, error) {
	topic, err := sns.NewTopic(c.Ctx, c.Name("alarms"), &sns.TopicArgs{
		DisplayName: pulumi.String(c.Ctx.Project() + " " + c.Ctx.Stack()),
	}, c.Options()...)
	if err != nil {
		return Mail{}, fmt.Errorf("registering the topic of the alarms: %w", err)
	}
	for _, address := range c.Request.AlarmEmails {
		// AWS first sends a confirmation link to the address, and no alarms until its
		// owner has opened the link.
		if _, err := sns.NewTopicSubscription(c.Ctx, c.Name("alarms-"+address), &sns.TopicSubscriptionArgs{
			Topic:    topic.Arn,
			Protocol: pulumi.String("email"),
			Endpoint: pulumi.String(address),
		}, c.Options()...); err != nil {
			return Mail{}, fmt.Errorf("registering the alarms to %s: %w", address, err)
		}
	}
	return Mail{component: c, topic: topic}, nil
}

// Metric is a metric of CloudWatch.
type Metric struct {
	Namespace, Name, Statistic string
	Dimensions                 pulumi.StringMap
	// Period is the length of its periods. Default one minute.
	Period time.Duration
}

func (m Metric) seconds() pulumi.Int {
	return pulumi.Int(cmp.Or(m.Period, time.Minute) / time.Second)
}

// Alarm is an alarm on a metric, or on a share of one metric in another.
type Alarm struct {
	// Part is the part of the service that the alarm's logical name ends with.
	Part string
	// Means tells the e-mail's reader what is wrong.
	Means string
	// Metric is what the alarm watches.
	Metric Metric
	// Of makes the alarm watch the percentage of Metric in Of. Optional.
	Of *Metric
	// Threshold is the least value of the metric, or of the percentage, that is bad.
	// With Below, lower values are bad.
	Threshold float64
	Below     bool
	// Periods is the number of bad periods in a row that raise the alarm.
	Periods int
	// Missing is how CloudWatch takes a period without a value: "notBreaching", …
	// Default: "missing".
	Missing string
	// Actions are actions beside the e-mail, by ARN. Optional.
	Actions []string
}

// Add registers an alarm. Its begin and its end are sent.
func (m Mail) Add(a Alarm) error {
	args := &cloudwatch.MetricAlarmArgs{
		AlarmDescription:   pulumi.String(a.Means),
		EvaluationPeriods:  pulumi.Int(a.Periods),
		ComparisonOperator: pulumi.String("GreaterThanOrEqualToThreshold"),
		Threshold:          pulumi.Float64(a.Threshold),
		AlarmActions:       pulumi.Array{m.topic.Arn},
		OkActions:          pulumi.Array{m.topic.Arn},
	}
	if a.Below {
		args.ComparisonOperator = pulumi.String("LessThanThreshold")
	}
	if len(a.Actions) > 0 {
		args.AlarmActions = append(asArray(a.Actions), m.topic.Arn)
	}
	if a.Missing != "" {
		args.TreatMissingData = pulumi.String(a.Missing)
	}
	if a.Of == nil {
		args.Namespace = pulumi.String(a.Metric.Namespace)
		args.MetricName = pulumi.String(a.Metric.Name)
		args.Dimensions = a.Metric.Dimensions
		args.Statistic = pulumi.String(a.Metric.Statistic)
		args.Period = a.Metric.seconds()
	} else {
		args.MetricQueries = cloudwatch.MetricAlarmMetricQueryArray{
			&cloudwatch.MetricAlarmMetricQueryArgs{
				Id: pulumi.String("share"), Expression: pulumi.String("100 * part / whole"),
				Label: pulumi.String(a.Part), ReturnData: pulumi.Bool(true),
			},
			query("part", a.Metric), query("whole", *a.Of),
		}
	}
	if _, err := cloudwatch.NewMetricAlarm(m.component.Ctx, m.component.Name(a.Part), args, m.component.Options()...); err != nil {
		return fmt.Errorf("registering the alarm %s: %w", a.Part, err)
	}
	return nil
}

// query returns the part of an expression that reads a metric.
func query(id string, m Metric) *cloudwatch.MetricAlarmMetricQueryArgs {
	return &cloudwatch.MetricAlarmMetricQueryArgs{
		Id: pulumi.String(id),
		Metric: &cloudwatch.MetricAlarmMetricQueryMetricArgs{
			Namespace:  pulumi.String(m.Namespace),
			MetricName: pulumi.String(m.Name),
			Dimensions: m.Dimensions,
			Stat:       pulumi.String(m.Statistic),
			Period:     m.seconds(),
		},
	}
}

func asArray(all []string) pulumi.Array {
	list := make(pulumi.Array, 0, len(all))
	for _, one := range all {
		list = append(list, pulumi.String(one))
	}
	return list
}
