package cloudfake

// kubernetes lists the behaviours of clusters. infra/testing/fakecluster,
// infra/testing/nodes and infra/testing/podcluster simulate them. The sources of
// Kubernetes are those of release 1.33.
func kubernetes() []Behaviour {
	return []Behaviour{
		{
			Name: "acme-has-one-traefik", Test: "TestTraefikThatGetsItsCertificateIsAlone",
			Does:   "Gets certificates by Traefik's own ACME with one Traefik: several would not answer each other's challenges, and cannot share the file of certificates.",
			Source: "https://doc.traefik.io/traefik/providers/kubernetes-ingress/",
		},
		{
			Name: "object-exists", Test: "TestRevertAfterAFailedChange",
			Does:   "Refuses to create an object that exists: since 4.29.0 the provider creates with POST. After a failed update, objects that were to be deleted still exist.",
			Source: "https://github.com/pulumi/pulumi-kubernetes/issues/2926",
		},
		{
			Name: "dead-api-keeps-namespaces", Test: "TestADeploymentsPods",
			Does:   "Deletes no namespace as long as an API of the cluster's own pods, such as metrics-server's, cannot be reached.",
			Source: "https://github.com/kubernetes/kubernetes/issues/60807",
		},
		{
			Name: "pull-needs-login", Test: "TestDOKSLife",
			Does:   "Pulls an image of a private registry only for pods that name a login: a registry integration serves the default service account, some time after the namespace was made.",
			Source: "https://github.com/digitalocean/terraform-provider-digitalocean/issues/894",
		},
		{
			Name: "jobs-pods-end", Test: "TestPlayedKubelet",
			Does:   "Ends a pod with the restart policy Never as Succeeded or Failed, by its exit code, and does not start it again.",
			Source: "https://github.com/kubernetes/kubernetes/blob/v1.33.13/pkg/kubelet/kubelet_pods.go",
		},
		{
			Name: "restart-back-off", Test: "TestPlayedKubelet",
			Does:   "Starts a container that has ended again: at once, then after 10 s, 20 s, up to five minutes. Another end is noticed up to a second late.",
			Source: "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/",
		},
		{
			Name: "memory-limit-kills", Test: "TestPlayedKubelet",
			Does:   "Kills a container at its memory limit, with the reason OOMKilled.",
			Source: "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/",
		},
		{
			Name: "kill-after-grace", Test: "TestPlayedKubelet",
			Does:   "Kills what has not ended when the grace is over, two seconds after SIGTERM at the earliest.",
			Source: "https://github.com/kubernetes/kubernetes/blob/v1.33.13/pkg/kubelet/kuberuntime/kuberuntime_container.go",
		},
		{
			Name: "pre-stop-before-term", Test: "TestPlayedKubelet",
			Does:   "Runs preStop before SIGTERM, also when a liveness probe restarts the container, and counts it into the grace.",
			Source: "https://github.com/kubernetes/kubernetes/blob/v1.33.13/pkg/kubelet/kuberuntime/kuberuntime_container.go",
		},
		{
			Name: "forced-deletion-has-a-second", Test: "TestPlayedKubelet",
			Does:   "Forgets a pod that is deleted without grace at once, and gives its containers a second. Other releases of Kubernetes were reported to give them the whole grace.",
			Source: "https://github.com/kubernetes/kubernetes/issues/115819",
		},
	}
}
