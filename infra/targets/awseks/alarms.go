package awseks

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
	"escala/infra/deploy/awsalarm"
	"escala/infra/deploy/gate"
)

// These are the limits of the alarms.
const (
	// silentMinutes is the time in which the load balancer answers errors of its own
	// in each minute. A release makes none: pods end only after the load balancer
	// has stopped using them.
	silentMinutes = 3
	// errorPercent and errorMinutes are the share of the pods' answers with 5xx and
	// the time that it lasts. They are those of Prometheus' rule ServiceErrors.
	errorPercent, errorMinutes = 5, 5
	// pendingMinutes is the time in which a pod waits for a node in each minute. Auto
	// Mode needs one or two minutes for a node.
	pendingMinutes = 15
	// certificateDays is the number of days before a certificate's end from which it
	// should have been renewed. ACM renews what it has issued long before.
	certificateDays = 14
)

// alarmed reports whether the stack has alarms.
func (d deployment) alarmed() bool { return len(d.Request.AlarmEmails) > 0 }

// alarms registers the alarms on the service's load balancer, its certificates and
// the cluster's scheduler, and the topic that sends them by e-mail. They watch the load balancer
// and the cluster that serve the release. address is the load balancer's host name,
// once the release serves there.
func (d deployment) alarms(cluster *eks.Cluster, certificates pulumi.StringArray, address pulumi.StringOutput, endpoint deploy.Endpoint) error {
	if !d.alarmed() {
		return nil
	}
	mail, err := awsalarm.NewMail(d.Component)
	if err != nil {
		return err
	}
	balancer := pulumi.StringMap{"LoadBalancer": d.balancer(address)}
	counted := func(name string) awsalarm.Metric {
		return awsalarm.Metric{Namespace: "AWS/ApplicationELB", Name: name, Statistic: "Sum", Dimensions: balancer}
	}
	requests := counted("RequestCount")
	for _, alarm := range []awsalarm.Alarm{
		{
			Part:      "balancer-errors",
			Means:     "the load balancer answers 5xx itself: no pod is ready, or none answers it",
			Metric:    counted("HTTPCode_ELB_5XX_Count"),
			Threshold: 1,
			Periods:   silentMinutes,
			// Elastic Load Balancing reports only minutes that have such an answer.
			Missing: "notBreaching",
		},
		{
			Part:      "service-errors",
			Means:     fmt.Sprintf("the pods answer %d %% of the requests with 5xx, or more", errorPercent),
			Metric:    counted("HTTPCode_Target_5XX_Count"),
			Of:        &requests,
			Threshold: errorPercent,
			Periods:   errorMinutes,
			Missing:   "notBreaching",
		},
		{
			Part:  "pending-pods",
			Means: fmt.Sprintf("a pod of the cluster has found no node for %d minutes", pendingMinutes),
			Metric: awsalarm.Metric{
				Namespace: "AWS/EKS", Name: "scheduler_pending_pods", Statistic: "Sum",
				Dimensions: pulumi.StringMap{"ClusterName": gate.After(cluster.Name, endpoint.Release)},
			},
			Threshold: 1,
			Periods:   pendingMinutes,
			Missing:   "notBreaching",
		},
	} {
		if err := mail.Add(alarm); err != nil {
			return err
		}
	}
	names := d.Request.Spec.CertificateNames()
	for i, arn := range certificates {
		name := d.Request.Spec.Host
		if len(certificates) == len(names) {
			name = names[i]
		}
		if err := mail.Add(awsalarm.Alarm{
			Part:  "expiry-" + name,
			Means: fmt.Sprintf("the certificate of %s has less than %d days, and nothing has renewed it", name, certificateDays),
			Metric: awsalarm.Metric{
				Namespace: "AWS/CertificateManager", Name: "DaysToExpiry", Statistic: "Minimum", Period: 24 * time.Hour,
				Dimensions: pulumi.StringMap{"CertificateArn": gate.After(arn.ToStringOutput(), endpoint.Release)},
			},
			Threshold: certificateDays,
			Below:     true,
			Periods:   1,
			// A new certificate has no value yet, and one that has ended has none any
			// more: its alarm stays.
			Missing: "ignore",
		}); err != nil {
			return err
		}
	}
	return nil
}

// balancerHost matches the host name of an Application Load Balancer,
// "name-number.region.elb.amazonaws.com". The group is the name.
var balancerHost = regexp.MustCompile(`^([a-zA-Z0-9-]+)-[0-9]+\.[a-z0-9-]+\.elb\.`)

// balancer returns the value that the load balancer at an address has in the
// dimension LoadBalancer: "app/name/id". The cluster makes the load balancer, so AWS
// is asked for it. In a preview, a load balancer that is not found is an unknown
// value: it may be gone until the update makes it again, and who may only read may
// not look it up.
func (d deployment) balancer(address pulumi.StringOutput) pulumi.StringOutput {
	return address.ApplyTWithContext(d.Ctx.Context(), func(_ context.Context, address string) (pulumi.StringOutput, error) {
		suffix, err := d.lookUpBalancer(address)
		switch {
		case err == nil:
			return pulumi.String(suffix).ToStringOutput(), nil
		case d.Ctx.DryRun():
			return pulumi.Sprintf("%v", pulumi.UnsafeUnknownOutput(nil)), nil
		}
		return pulumi.StringOutput{}, fmt.Errorf("the release serves, but its alarms are not made, since AWS does not show the load balancer %s "+
			"(this needs elasticloadbalancing:DescribeLoadBalancers, DescribeLoadBalancerAttributes and DescribeTags); "+
			"the next update looks again: %w", address, err)
	}).(pulumi.StringOutput)
}

// lookUpBalancer returns the end of the ARN of the load balancer with a host name.
func (d deployment) lookUpBalancer(address string) (string, error) {
	host := balancerHost.FindStringSubmatch(address)
	if host == nil {
		return "", fmt.Errorf("%q is not the host name of an Application Load Balancer", address)
	}
	found, err := lb.LookupLoadBalancer(d.Ctx, &lb.LookupLoadBalancerArgs{Name: &host[1]}, pulumi.Provider(d.Provider))
	if err != nil {
		return "", err
	}
	if !strings.EqualFold(found.DnsName, address) {
		return "", fmt.Errorf("load balancer %s has the host name %s", host[1], found.DnsName)
	}
	return found.ArnSuffix, nil
}
