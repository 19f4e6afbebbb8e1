package cloudfake

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
)

const (
	awsSubscription = "aws:sns/topicSubscription:TopicSubscription"
	awsMetricAlarm  = "aws:cloudwatch/metricAlarm:MetricAlarm"
)

// Balance sets the host name of the load balancer that a cluster makes for a
// service's Ingress. Without an Ingress there is none.
func (a *AWS) Balance(service, host string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.balancers[service] = host
}

// HideBalancers makes the account show no load balancer, as for a caller who may not
// look one up, or show them again.
func (a *AWS) HideBalancers(yes bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hidden = yes
}

// existingBalancers returns the host names of the load balancers of the Ingresses
// that exist.
func (a *AWS) existingBalancers() []string {
	ingresses := a.OfType(ingress)
	a.mu.Lock()
	defer a.mu.Unlock()
	var hosts []string
	for service, host := range a.balancers {
		if !a.hidden && slices.ContainsFunc(ingresses, func(e offline.Event) bool { return strings.HasPrefix(e.Name, service+"-") }) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// balancerName returns the name of the load balancer with a host name.
func balancerName(host string) string {
	label, _, _ := strings.Cut(host, ".")
	return label[:strings.LastIndex(label, "-")]
}

// BalancerDimension returns the value of the dimension LoadBalancer of the load
// balancer with a host name.
func BalancerDimension(host string) string {
	return "app/" + balancerName(host) + "/50dc6c495c0c9188"
}

// getLoadBalancer answers as the provider's data source does.
func (a *AWS) getLoadBalancer(args resource.PropertyMap) (resource.PropertyMap, error) {
	for _, host := range a.existingBalancers() {
		if name := balancerName(host); name == text(args, "name") {
			return resource.NewPropertyMapFromMap(map[string]any{
				"id":   "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/" + BalancerDimension(host),
				"name": name, "dnsName": host, "arnSuffix": BalancerDimension(host), "loadBalancerType": "application",
			}), nil
		}
	}
	a.CountOccurrence("balancer-is-not-found")
	return nil, errors.New("reading ELBv2 Load Balancers: couldn't find resource")
}

// dimensions returns the values of a dimension that an alarm watches.
func dimensions(e offline.Event, name string) []string {
	plain := offline.Plain(e.Inputs)
	sets := []any{plain["dimensions"]}
	queries, _ := plain["metricQueries"].([]any)
	for _, query := range queries {
		one, _ := query.(map[string]any)
		metric, _ := one["metric"].(map[string]any)
		sets = append(sets, metric["dimensions"])
	}
	var values []string
	for _, set := range sets {
		of, _ := set.(map[string]any)
		if value, ok := of[name].(string); ok {
			values = append(values, value)
		}
	}
	return values
}

// alarms returns the behaviours of SNS, of CloudWatch and of the load balancers that
// alarms watch.
func (a *AWS) alarms() []Behaviour {
	const put = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"
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
	}, {
		Name: "balancer-is-not-found", Test: "TestEKSAlarms",
		Does:   "Finds a load balancer by its name only while it exists, and only for who may look it up: the provider's data source fails otherwise.",
		Source: awsProvider + "elbv2/load_balancer_data_source.go",
	}, {
		Name: "alarm-watches-nothing", Test: "TestEKSAlarms", Types: []string{awsMetricAlarm},
		Does:   "Takes an alarm on a dimension that nothing has, and never raises it.",
		Source: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html",
		After: func(e *offline.Event) bool {
			if e.Operation != offline.Create && e.Operation != offline.Update {
				return false
			}
			certificates := a.OfType(awsCertificate)
			if slices.ContainsFunc(dimensions(*e, "CertificateArn"), func(arn string) bool {
				return !slices.ContainsFunc(certificates, func(c offline.Event) bool { return c.ID == arn })
			}) {
				return true
			}
			exist := a.existingBalancers()
			return slices.ContainsFunc(dimensions(*e, "LoadBalancer"), func(value string) bool {
				return !slices.ContainsFunc(exist, func(host string) bool { return BalancerDimension(host) == value })
			})
		},
	}, {
		Name: "expression-stands-alone", Test: "TestEKSAlarms", Types: []string{awsMetricAlarm},
		Does:   "Takes in an alarm either one metric or expressions of several, of which one is watched.",
		Source: put,
		Before: func(e *offline.Event) error {
			if e.Operation == offline.Delete || e.Operation == offline.Read {
				return nil
			}
			plain := offline.Plain(e.Inputs)
			queries, _ := plain["metricQueries"].([]any)
			watched := 0
			for _, query := range queries {
				if one, _ := query.(map[string]any); one["returnData"] == true {
					watched++
				}
			}
			switch single := text(e.Inputs, "metricName") != ""; {
			case single == (len(queries) > 0):
				return errors.New("ValidationError: The parameters MetricName and Metrics are mutually exclusive and you have specified both or none of them")
			case !single && watched != 1:
				return fmt.Errorf("ValidationError: Exactly one element of the metrics list should return data, not %d", watched)
			}
			return nil
		},
	}}
}
