// Package kubelet simulates the kubelets and the scheduler of a test cluster. It
// runs each pod's containers as processes of this computer (package sandbox), and
// reports to the API server as a kubelet does: conditions, container states,
// events.
//
// The package contains no code of Kubernetes. Its behaviour follows the sources of
// release 1.33 (k8s.io/kubernetes/pkg/kubelet), and the comments name the file:
//
//   - probes with their periods, timeouts and thresholds, and which probe waits for
//     which (prober/worker.go, prober/prober_manager.go, pkg/probe/http/http.go);
//   - the end of a container: preStop within the grace, SIGTERM, at least two more
//     seconds, SIGKILL (kuberuntime/kuberuntime_container.go, killContainer);
//   - a pod that is deleted without grace: the API server reports the deletion and
//     forgets the pod at once, and the containers get the shortest grace, one second
//     (pod_workers.go, calculateEffectiveGracePeriod; users of other releases report
//     the whole grace, kubernetes#115819);
//   - an end is noticed at the next relist, up to a second later (kubelet.go,
//     genericPlegRelistPeriod);
//   - restarts: at once, then after 10 s, 20 s, up to 5 min
//     (kuberuntime/kuberuntime_manager.go, doBackOff), and images that cannot be
//     pulled in the same steps (images/image_manager.go);
//   - phases and conditions (kubelet_pods.go, getPhase; status/generate.go).
//
// Not simulated: exec, attach and port-forward, init containers, volumes other than
// emptyDir and their size limits, limits of processor time, seccomp, network
// policies, pressure of a node and eviction by it, the kubelet's own limits of
// requests to the API server.
package kubelet
