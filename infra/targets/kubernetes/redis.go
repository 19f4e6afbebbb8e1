package kubernetes

import (
	"fmt"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	netv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

const (
	redisPort     = 6379
	redisPortName = "redis"
	// redisUser and redisGroup are the ids of Valkey's user in its image.
	redisUser, redisGroup = 999, 1000
)

// redisName returns the name of Redis' objects.
func (p *parts) redisName() string { return redisName(p.spec) }

func redisName(spec service.Spec) string { return spec.Name + "-redis" }

// redisURL returns the URL at which the service's pods reach Redis.
func (p *parts) redisURL() string { return fmt.Sprintf("redis://%s:%d/0", p.redisName(), redisPort) }

// redis registers one Valkey for data that the pods share and that may be lost:
// messages of chat rooms, and counters. A node drain moves it to another node. For
// some seconds, pods then do not get each other's messages, but the service
// continues to serve.
func (p *parts) redis() error {
	name := p.redisName()
	address, err := corev1.NewService(p.ctx, p.logical("redis-service"), &corev1.ServiceArgs{
		Metadata: p.meta(name, componentRedis, notAwaited()),
		Spec: &corev1.ServiceSpecArgs{
			Type:           pulumi.String("ClusterIP"),
			Selector:       p.selector(componentRedis),
			IpFamilyPolicy: pulumi.String("PreferDualStack"),
			IpFamilies:     p.args.IPFamilies,
			Ports: corev1.ServicePortArray{&corev1.ServicePortArgs{
				Name: pulumi.String(redisPortName), Port: pulumi.Int(redisPort), TargetPort: pulumi.String(redisPortName), Protocol: pulumi.String("TCP"),
			}},
		},
	}, p.options...)
	if err != nil {
		return fmt.Errorf("registering Redis' service: %w", err)
	}
	p.object(address)
	if err := p.budget(name, "redis-pdb", componentRedis); err != nil {
		return err
	}
	// Only the service's pods may connect, and Redis itself connects to nothing.
	if err := p.policy(name, "redis-networkpolicy", componentRedis, &netv1.NetworkPolicySpecArgs{
		Ingress: netv1.NetworkPolicyIngressRuleArray{&netv1.NetworkPolicyIngressRuleArgs{
			From:  p.redisClients(),
			Ports: ports(redisPortName),
		}},
	}); err != nil {
		return err
	}
	deployment, err := appsv1.NewDeployment(p.ctx, p.logical("redis-deployment"), &appsv1.DeploymentArgs{
		Metadata: p.meta(name, componentRedis, notAwaited()),
		Spec: &appsv1.DeploymentSpecArgs{
			Replicas:             pulumi.Int(1),
			RevisionHistoryLimit: pulumi.Int(2),
			Selector:             p.choose(componentRedis),
			// Two instances at the same time would split every chat room in two.
			Strategy: &appsv1.DeploymentStrategyArgs{Type: pulumi.String("Recreate")},
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: p.labels(componentRedis)},
				Spec:     p.redisPod(),
			},
		},
	}, p.options...)
	if err != nil {
		return fmt.Errorf("registering Redis: %w", err)
	}
	p.object(deployment)
	return nil
}

// redisClients returns the peers that may connect to Redis: the pods of the
// release.
func (p *parts) redisClients() netv1.NetworkPolicyPeerArray {
	var all netv1.NetworkPolicyPeerArray
	for _, component := range append([]string{componentService}, p.components()...) {
		all = append(all, &netv1.NetworkPolicyPeerArgs{PodSelector: p.choose(component)})
	}
	return all
}

// redisPod returns Redis' pod, which has all data in memory. Its memory limit is
// above maxmemory, because clients that do not read their replies need buffers in
// addition.
func (p *parts) redisPod() *corev1.PodSpecArgs {
	mib := p.args.Settings.RedisMemoryMiB
	memory := pulumi.String(fmt.Sprintf("%dMi", 2*mib+32))
	probe := func(period, failures int) *corev1.ProbeArgs {
		return &corev1.ProbeArgs{
			TcpSocket:        &corev1.TCPSocketActionArgs{Port: pulumi.String(redisPortName)},
			PeriodSeconds:    pulumi.Int(period),
			TimeoutSeconds:   pulumi.Int(2),
			FailureThreshold: pulumi.Int(failures),
		}
	}
	return &corev1.PodSpecArgs{
		AutomountServiceAccountToken:  pulumi.Bool(false),
		EnableServiceLinks:            pulumi.Bool(false),
		NodeSelector:                  pulumi.StringMap{"kubernetes.io/os": pulumi.String("linux")},
		TerminationGracePeriodSeconds: pulumi.Int(10),
		SecurityContext: &corev1.PodSecurityContextArgs{
			RunAsNonRoot: pulumi.Bool(true), RunAsUser: pulumi.Int(redisUser), RunAsGroup: pulumi.Int(redisGroup),
			SeccompProfile: &corev1.SeccompProfileArgs{Type: pulumi.String("RuntimeDefault")},
		},
		Containers: corev1.ContainerArray{&corev1.ContainerArgs{
			Name:            pulumi.String("redis"),
			Image:           pulumi.String(p.args.Settings.RedisImage),
			ImagePullPolicy: pulumi.String("IfNotPresent"),
			Args: pulumi.ToStringArray([]string{
				"--save", "", "--appendonly", "no",
				"--maxmemory", fmt.Sprintf("%dmb", mib), "--maxmemory-policy", "allkeys-lru",
				// Redis has no password: the network policy decides which pods connect.
				"--protected-mode", "no",
			}),
			Ports: corev1.ContainerPortArray{&corev1.ContainerPortArgs{
				Name: pulumi.String(redisPortName), ContainerPort: pulumi.Int(redisPort), Protocol: pulumi.String("TCP"),
			}},
			Resources: &corev1.ResourceRequirementsArgs{
				Requests: pulumi.StringMap{"cpu": pulumi.String("50m"), "memory": memory},
				Limits:   pulumi.StringMap{"memory": memory},
			},
			ReadinessProbe:  probe(2, 2),
			LivenessProbe:   probe(10, 6),
			SecurityContext: restricted(),
			VolumeMounts:    corev1.VolumeMountArray{&corev1.VolumeMountArgs{Name: pulumi.String("data"), MountPath: pulumi.String("/data")}},
		}},
		Volumes: corev1.VolumeArray{temporary("data", 16)},
	}
}
