package cloudfake

// kubernetes lists the behaviours of clusters. infra/testing/fakecluster and
// infra/testing/nodes simulate them.
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
	}
}
