package awseks

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/targets/awseks/ingressclass"
	"escala/service"
	"escala/service/config"
)

// leastAnnounce is how long a pod goes on serving once it is told to end, at
// the least. EKS takes it out of the load balancer in that time, and the load
// balancer's nodes, one after the other, learn that they are to send it nothing
// more; Kubernetes' own endpoints are faster, so the description's default is
// shorter.
const leastAnnounce = 20 * time.Second

// behindALB is the description as it has to be behind an Application Load
// Balancer: the pod stays until the load balancer has let go of it, its
// supervisor grants that time, and the load balancer is always the side that
// closes an idle connection.
func behindALB(spec service.Spec, s Settings) service.Spec {
	if more := leastAnnounce - spec.Lifecycle.Announce; more > 0 {
		spec.Lifecycle.Announce += more
		spec.Lifecycle.Stop += more
	}
	spec.Env = maps.Clone(spec.Env)
	if spec.Env == nil {
		spec.Env = map[string]string{}
	}
	if _, own := spec.Env[config.EnvIdleTimeout]; !own {
		spec.Env[config.EnvIdleTimeout] = (spec.WebSocket.ProxyIdle + 15*time.Second).String()
	}
	// The load balancer is in the VPC: what it says of the client is true.
	return spec.Trusting(s.CIDR)
}

// attribute is one of a load balancer's.
type attribute struct{ key, value string }

// attributes are those of the load balancer.
func attributes(spec service.Spec) []attribute {
	return []attribute{
		{"idle_timeout.timeout_seconds", seconds(spec.WebSocket.ProxyIdle)},
		{"routing.http.drop_invalid_header_fields.enabled", "true"},
	}
}

// annotations are those of the Ingress ("Create an IngressClass to configure an
// Application Load Balancer"; the names are the AWS Load Balancer Controller's).
func annotations(spec service.Spec, s Settings) (map[string]string, error) {
	const prefix = "alb.ingress.kubernetes.io/"
	ports := []map[string]int{{"HTTP": 80}}
	all := map[string]string{
		// Straight to the pods, so that the load balancer knows each by itself.
		"target-type": "ip",
		// Requests in flight may take as long as the pod itself allows them.
		"target-group-attributes": strings.Join([]string{
			"deregistration_delay.timeout_seconds=" + seconds(spec.Lifecycle.Announce+spec.Lifecycle.Drain),
			"load_balancing.algorithm.type=least_outstanding_requests",
		}, ","),
		"healthcheck-path":             spec.ReadyPath,
		"healthcheck-interval-seconds": "5",
		"healthcheck-timeout-seconds":  "4",
		"healthy-threshold-count":      "2",
		"unhealthy-threshold-count":    "2",
		"success-codes":                "200",
	}
	if s.CertificateARN != "" {
		ports = append(ports, map[string]int{"HTTPS": 443})
		all["ssl-redirect"] = "443"
		all["ssl-policy"] = "ELBSecurityPolicy-TLS13-1-2-2021-06"
	}
	listen, err := json.Marshal(ports)
	if err != nil {
		return nil, fmt.Errorf("writing the load balancer's ports: %w", err)
	}
	all["listen-ports"] = string(listen)
	prefixed := make(map[string]string, len(all))
	for name, value := range all {
		prefixed[prefix+name] = value
	}
	return prefixed, nil
}

// seconds are whole ones, as AWS takes them, and never too few.
func seconds(d time.Duration) string { return strconv.Itoa(service.Seconds(d)) }

// pairs are attributes or tags as the cluster has them.
func pairs(all []attribute) ingressclass.PairArray {
	list := make(ingressclass.PairArray, 0, len(all))
	for _, one := range all {
		list = append(list, ingressclass.PairArgs{Key: pulumi.String(one.key), Value: pulumi.String(one.value)})
	}
	return list
}

// sortedTags are tags in an order that is the same each time.
func sortedTags(tags map[string]string) []attribute {
	list := make([]attribute, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, attribute{key, tags[key]})
	}
	return list
}
