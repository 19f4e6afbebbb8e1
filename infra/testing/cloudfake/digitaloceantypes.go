package cloudfake

// doProvider is the address of the sources of the DigitalOcean provider's
// resources.
const doProvider = "https://github.com/digitalocean/terraform-provider-digitalocean/blob/main/digitalocean/"

// doTypes lists the facts in the provider's source about each type, beyond the
// properties that its schema marks.
var doTypes = map[string]Type{
	"digitalocean:index/certificate:Certificate":             {doProvider + "certificate/resource_certificate.go", "The name is unique in the account."},
	"digitalocean:index/containerRegistry:ContainerRegistry": {doProvider + "registry/resource_container_registry.go", "The name is unique at DigitalOcean. Its deletion takes all images."},
	"digitalocean:index/containerRegistryDockerCredentials:ContainerRegistryDockerCredentials": {
		doProvider + "registry/resource_container_registry_docker_credentials.go", "",
	},
	"digitalocean:index/dnsRecord:DnsRecord":                 {doProvider + "domain/resource_record.go", "Another name or value is a change in place."},
	"digitalocean:index/droplet:Droplet":                     {doProvider + "droplet/resource_droplet.go", "No IPv6 any more. Another size in place turns the machine off."},
	"digitalocean:index/firewall:Firewall":                   {doProvider + "firewall/resource_firewall.go", "Other tags are a change in place: the machines with the tags before have no firewall then."},
	"digitalocean:index/kubernetesCluster:KubernetesCluster": {doProvider + "kubernetes/resource_kubernetes_cluster.go", "A lower version, and another size of its own nodes. Upgrades and deletions are not awaited."},
	"digitalocean:index/monitorAlert:MonitorAlert":           {doProvider + "monitoring/resource_monitor_alert.go", ""},
	"digitalocean:index/project:Project":                     {doProvider + "project/resource_project.go", "Its deletion moves what is in it to the default project."},
	"digitalocean:index/reservedIp:ReservedIp":               {doProvider + "reservedip/resource_reserved_ip.go", ""},
	"digitalocean:index/reservedIpAssignment:ReservedIpAssignment": {
		doProvider + "reservedip/resource_reserved_ip_assignment.go", "The deletion of one that is replaced only forgets it.",
	},
	"digitalocean:index/spacesBucket:SpacesBucket":             {doProvider + "spaces/resource_spaces_bucket.go", "Another name alone changes nothing. The name is unique in the region, and kept for days."},
	"digitalocean:index/spacesBucketObject:SpacesBucketObject": {doProvider + "spaces/resource_spaces_bucket_object.go", ""},
	"digitalocean:index/spacesKey:SpacesKey":                   {doProvider + "spaces/resource_spaces_key.go", "Other grants are a change in place."},
	"digitalocean:index/tag:Tag":                               {doProvider + "tag/resource_tag.go", "Creating one that exists takes it over; its deletion takes it off everything."},
	"digitalocean:index/uptimeAlert:UptimeAlert":               {doProvider + "uptime/resource_uptime_alert.go", "It stays at the check that it was made for."},
	"digitalocean:index/uptimeCheck:UptimeCheck":               {doProvider + "uptime/resource_uptime_check.go", ""},
	"digitalocean:index/vpc:Vpc":                               {doProvider + "vpc/resource_vpc.go", "The deletion is tried for two minutes while something is in the VPC."},
}
