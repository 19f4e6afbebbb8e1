package cluster

import (
	"context"
	"errors"
	"slices"
	"time"

	"escala/infra/testing/conformance"
)

// Inject causes a fault that is possible with a kubeconfig alone.
func (s *System) Inject(ctx context.Context, fault conformance.Fault) (conformance.Injection, error) {
	switch fault {
	case conformance.KillWorker:
		return s.killPod(ctx, serviceLabels)
	case conformance.KillRedis:
		return s.killPod(ctx, redisLabels)
	case conformance.KillSupervisor:
		return conformance.Injection{}, conformance.NotApplicable("what starts pods again, the kubelet, is the cluster's, and a kubeconfig does not reach it")
	case conformance.KillProxy:
		return conformance.Injection{}, conformance.NotApplicable("the ingress controller is the cluster's, with its own number of pods and its own way to end")
	case conformance.Reboot:
		return conformance.Injection{}, conformance.NotApplicable("nodes belong to the cluster; the check of the drain covers the orderly end of one")
	case conformance.FillDisk:
		return conformance.Injection{}, conformance.NotApplicable("a node without disk space is an image that cannot be pulled, which has a check of its own")
	case conformance.HideStore:
		return conformance.Injection{}, conformance.NotApplicable("a registry that is away is an image that cannot be pulled, which has a check of its own")
	case conformance.HangRedis:
		return s.noRedis(ctx)
	case conformance.KillProxyOften, conformance.TakePort:
		return conformance.Injection{}, conformance.NotApplicable("the ingress controller is the cluster's, with its own ports and its own way to end")
	case conformance.KillSupervisorOften, conformance.UpgradeSupervisor:
		return conformance.Injection{}, conformance.NotApplicable("what starts pods again, the kubelet, is the cluster's, and a kubeconfig does not reach it")
	case conformance.KillRedisOften:
		return conformance.Injection{}, conformance.NotApplicable("a killed pod is replaced by a new one, which has not died before")
	case conformance.HangLogReader:
		return conformance.Injection{}, conformance.NotApplicable("the container runtime reads the logs, and a kubeconfig does not reach it")
	case conformance.FillInodes:
		return conformance.Injection{}, conformance.NotApplicable("a node without inodes is an image that cannot be pulled, which has a check of its own")
	case conformance.KillFollowerOften, conformance.OtherPointer:
		return conformance.Injection{}, conformance.NotApplicable("releases are brought by Kubernetes' own controllers, which keep no pointer")
	case conformance.KillFollower:
		return conformance.Injection{}, conformance.NotApplicable("releases are brought by Kubernetes' own controllers")
	}
	return conformance.Injection{}, conformance.NotApplicable("a cluster does not know the fault %q", fault)
}

// noRedis removes Redis until the fault is healed, because a kubeconfig cannot stop
// a process.
func (s *System) noRedis(ctx context.Context) (conformance.Injection, error) {
	scale := func(ctx context.Context, replicas int) error {
		return s.client.patchDeployment(ctx, name+"-redis", map[string]any{"spec": map[string]any{"replicas": replicas}})
	}
	if err := scale(ctx, 0); err != nil {
		return conformance.Injection{}, err
	}
	return conformance.Injection{At: time.Now(), Heal: func(ctx context.Context) error { return scale(ctx, 1) }}, nil
}

// killPod kills the program in the oldest serving pod that has not been restarted.
// So each kill hits another pod: Kubernetes waits longer and longer before it
// restarts the same one. If all pods have been restarted, or if Options.Kill is
// nil, killPod deletes the pod with the most restarts.
func (s *System) killPod(ctx context.Context, labels string) (conformance.Injection, error) {
	all, err := s.client.workers(ctx, labels)
	if err != nil {
		return conformance.Injection{}, err
	}
	up := serving(all)
	if len(up) == 0 {
		return conformance.Injection{}, errors.New("there is no pod that serves, and so none to kill")
	}
	at := time.Now()
	if s.options.Kill != nil {
		if fresh := slices.IndexFunc(up, func(p pod) bool { return p.restarts == 0 }); fresh >= 0 {
			return conformance.Injection{At: at}, s.options.Kill(up[fresh].name)
		}
	}
	worn := slices.MaxFunc(up, func(a, b pod) int { return a.restarts - b.restarts })
	return conformance.Injection{At: at}, s.client.kill(ctx, worn.name)
}
