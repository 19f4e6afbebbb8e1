package kubernetes

import (
	"fmt"

	"escala/service"

	autoscalingv2 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/autoscaling/v2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// autoscaler registers the HorizontalPodAutoscaler. A service with a fixed number
// of pods gets none. Scaling up is quick: the number may double every 15 s. Scaling
// down is slow: a quarter per minute, and only after scale.ScaleDown.
func (p *parts) autoscaler() error {
	scale := p.spec.Scale
	if scale.Fixed() > 0 {
		return nil
	}
	metrics := autoscalingv2.MetricSpecArray{utilization("cpu", scale.CPU)}
	if scale.Memory > 0 {
		metrics = append(metrics, utilization("memory", scale.Memory))
	}
	hpa, err := autoscalingv2.NewHorizontalPodAutoscaler(p.ctx, p.logical("hpa"), &autoscalingv2.HorizontalPodAutoscalerArgs{
		Metadata: p.meta(p.spec.Name, componentService, nil),
		Spec: &autoscalingv2.HorizontalPodAutoscalerSpecArgs{
			ScaleTargetRef: &autoscalingv2.CrossVersionObjectReferenceArgs{
				ApiVersion: pulumi.String("apps/v1"), Kind: pulumi.String("Deployment"), Name: pulumi.String(p.spec.Name),
			},
			MinReplicas: pulumi.Int(scale.Min),
			MaxReplicas: pulumi.Int(scale.Max),
			Metrics:     metrics,
			Behavior: &autoscalingv2.HorizontalPodAutoscalerBehaviorArgs{
				ScaleUp: &autoscalingv2.HPAScalingRulesArgs{
					StabilizationWindowSeconds: pulumi.Int(0),
					SelectPolicy:               pulumi.String("Max"),
					Policies:                   autoscalingv2.HPAScalingPolicyArray{policy("Percent", 100, 15), policy("Pods", 4, 15)},
				},
				ScaleDown: &autoscalingv2.HPAScalingRulesArgs{
					StabilizationWindowSeconds: pulumi.Int(service.Seconds(scale.ScaleDown)),
					SelectPolicy:               pulumi.String("Max"),
					Policies:                   autoscalingv2.HPAScalingPolicyArray{policy("Percent", 25, 60), policy("Pods", 1, 60)},
				},
			},
		},
	}, p.after()...)
	if err != nil {
		return fmt.Errorf("registering the autoscaler: %w", err)
	}
	p.object(hpa)
	return nil
}

// utilization returns a target in percent of what the pods request.
func utilization(resource string, percent int) *autoscalingv2.MetricSpecArgs {
	return &autoscalingv2.MetricSpecArgs{
		Type: pulumi.String("Resource"),
		Resource: &autoscalingv2.ResourceMetricSourceArgs{
			Name:   pulumi.String(resource),
			Target: &autoscalingv2.MetricTargetArgs{Type: pulumi.String("Utilization"), AverageUtilization: pulumi.Int(percent)},
		},
	}
}

func policy(kind string, value, period int) *autoscalingv2.HPAScalingPolicyArgs {
	return &autoscalingv2.HPAScalingPolicyArgs{
		Type: pulumi.String(kind), Value: pulumi.Int(value), PeriodSeconds: pulumi.Int(period),
	}
}
