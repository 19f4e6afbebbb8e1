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

// minAnnounce is the shortest time that a pod serves after it is told to end. In
// that time EKS removes the pod from the load balancer, and the load balancer's
// nodes stop sending it requests, one node after the other. Kubernetes' own
// endpoints are faster, so the description's default is shorter.
const minAnnounce = 20 * time.Second

// behindALB adapts the description to an Application Load Balancer. The pod stays
// until the load balancer has stopped using it, and its supervisor allows that
// time. The load balancer is always the side that closes an idle connection.
func behindALB(spec service.Spec, s Settings) service.Spec {
	if more := minAnnounce - spec.Lifecycle.Announce; more > 0 {
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
	// The load balancer is in the VPC, so its client address headers are
	// trusted.
	return spec.Trusting(s.CIDR)
}

// attribute is one attribute of a load balancer.
type attribute struct{ key, value string }

// attributes returns the attributes of the load balancer.
func attributes(spec service.Spec) []attribute {
	return []attribute{
		{"idle_timeout.timeout_seconds", seconds(spec.WebSocket.ProxyIdle)},
		{"routing.http.drop_invalid_header_fields.enabled", "true"},
	}
}

// annotations returns the annotations of the Ingress ("Create an IngressClass
// to configure an Application Load Balancer"; the names are the AWS Load
// Balancer Controller's).
func annotations(spec service.Spec, s Settings) (map[string]string, error) {
	const prefix = "alb.ingress.kubernetes.io/"
	ports := []map[string]int{{"HTTP": 80}}
	all := map[string]string{
		// Traffic goes directly to the pods, so the load balancer tracks each pod
		// separately.
		"target-type": "ip",
		// Requests in flight have the same time here as in the pod.
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
	if s.certificateSource(spec) != noCertificate {
		ports = append(ports, map[string]int{"HTTPS": 443})
		if spec.TLS.Redirect {
			all["ssl-redirect"] = "443"
		}
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

// seconds returns d in whole seconds, rounded up, as AWS needs it.
func seconds(d time.Duration) string { return strconv.Itoa(service.Seconds(d)) }

// pairs converts attributes or tags to the form that the cluster needs.
func pairs(all []attribute) ingressclass.PairArray {
	list := make(ingressclass.PairArray, 0, len(all))
	for _, one := range all {
		list = append(list, ingressclass.PairArgs{Key: pulumi.String(one.key), Value: pulumi.String(one.value)})
	}
	return list
}

// sortedTags returns tags in a stable order.
func sortedTags(tags map[string]string) []attribute {
	list := make([]attribute, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, attribute{key, tags[key]})
	}
	return list
}
