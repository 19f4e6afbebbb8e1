package clouds

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
)

// DigitalOcean returns an offline DigitalOcean that records requests. effect
// may be nil.
func DigitalOcean(effect offline.Effect) *offline.Provider {
	var droplets atomic.Int64
	clusters := &digitalOceanClusters{running: map[string]runningCluster{}}
	return offline.New(offline.Schema{
		Package: "digitalocean",
		Version: read(digitalOceanReplaces).Version,
		Config:  &digitalocean.ProviderArgs{},
		Resources: read(digitalOceanReplaces).with(merge(clusters.resources(), map[string]offline.Resource{
			"digitalocean:index/droplet:Droplet": {
				Args: &digitalocean.DropletArgs{}, State: digitalocean.Droplet{}, Named: "name",
				ReplacesIf: map[string]offline.Condition{"ipv6": ipv6TurnedOff},
			},
			"digitalocean:index/vpc:Vpc":               {Args: &digitalocean.VpcArgs{}, State: digitalocean.Vpc{}, Named: "name"},
			"digitalocean:index/tag:Tag":               {Args: &digitalocean.TagArgs{}, State: digitalocean.Tag{}, Named: "name"},
			"digitalocean:index/firewall:Firewall":     {Args: &digitalocean.FirewallArgs{}, State: digitalocean.Firewall{}, Named: "name"},
			"digitalocean:index/reservedIp:ReservedIp": {Args: &digitalocean.ReservedIpArgs{}, State: digitalocean.ReservedIp{}},
			"digitalocean:index/reservedIpAssignment:ReservedIpAssignment": {
				Args: &digitalocean.ReservedIpAssignmentArgs{}, State: digitalocean.ReservedIpAssignment{},
			},
			"digitalocean:index/project:Project": {Args: &digitalocean.ProjectArgs{}, State: digitalocean.Project{}, Named: "name"},
			"digitalocean:index/spacesBucket:SpacesBucket": {
				Args: &digitalocean.SpacesBucketArgs{}, State: digitalocean.SpacesBucket{}, Named: "name",
			},
			"digitalocean:index/spacesBucketObject:SpacesBucketObject": {
				Args: &digitalocean.SpacesBucketObjectArgs{}, State: digitalocean.SpacesBucketObject{},
			},
			"digitalocean:index/spacesKey:SpacesKey":       {Args: &digitalocean.SpacesKeyArgs{}, State: digitalocean.SpacesKey{}, Named: "name"},
			"digitalocean:index/dnsRecord:DnsRecord":       {Args: &digitalocean.DnsRecordArgs{}, State: digitalocean.DnsRecord{}},
			"digitalocean:index/uptimeCheck:UptimeCheck":   {Args: &digitalocean.UptimeCheckArgs{}, State: digitalocean.UptimeCheck{}, Named: "name"},
			"digitalocean:index/uptimeAlert:UptimeAlert":   {Args: &digitalocean.UptimeAlertArgs{}, State: digitalocean.UptimeAlert{}, Named: "name"},
			"digitalocean:index/monitorAlert:MonitorAlert": {Args: &digitalocean.MonitorAlertArgs{}, State: digitalocean.MonitorAlert{}},
			"digitalocean:index/certificate:Certificate": {
				Args: &digitalocean.CertificateArgs{}, State: digitalocean.Certificate{}, Named: "name",
			},
		})),
		Functions: merge(clusters.functions(), map[string]offline.Function{
			"digitalocean:index/getRegion:getRegion": getRegion,
			"digitalocean:index/getImage:getImage":   getImage,
			"digitalocean:index/getVpc:getVpc":       getVPC,
			"digitalocean:index/getSshKey:getSshKey": getSSHKey,
			"digitalocean:index/getDomain:getDomain": getDomain,
			"digitalocean:index/getRecords:getRecords": func(args resource.PropertyMap) (resource.PropertyMap, error) {
				return resource.NewPropertyMapFromMap(map[string]any{"id": "offline", "domain": text(args, "domain"), "records": []any{}}), nil
			},
		}),
	}, func(e *offline.Event) error {
		if e.Operation == offline.Create {
			urn := func(key, kind string) {
				e.Outputs[resource.PropertyKey(key)] = resource.NewStringProperty(fmt.Sprintf("do:%s:%s", kind, e.ID))
			}
			switch e.Type {
			case "digitalocean:index/droplet:Droplet":
				e.ID = strconv.FormatInt(400000000+droplets.Add(1), 10)
				urn("dropletUrn", "droplet")
			case "digitalocean:index/spacesBucket:SpacesBucket":
				e.ID = text(e.Outputs, "name")
				urn("bucketUrn", "space")
			case "digitalocean:index/certificate:Certificate":
				e.ID = text(e.Outputs, "name")
			}
		}
		clusters.fillIn(e)
		if effect != nil {
			if err := effect(e); err != nil {
				return err
			}
		}
		clusters.record(e)
		return nil
	})
}

// recordedRegions and recordedSizes are the regions and sizes of the offline
// DigitalOcean.
var (
	recordedRegions = []any{"ams3", "fra1", "nyc3", "sgp1"}
	recordedSizes   = []any{"s-1vcpu-1gb", "s-1vcpu-2gb", "s-2vcpu-2gb", "s-2vcpu-4gb"}
)

func getRegion(args resource.PropertyMap) (resource.PropertyMap, error) {
	slug := text(args, "slug")
	for _, region := range recordedRegions {
		if region == slug {
			return resource.NewPropertyMapFromMap(map[string]any{"id": slug, "slug": slug, "available": true, "sizes": recordedSizes}), nil
		}
	}
	return nil, errNotFound("region", slug)
}

// DefaultVPC is the id of every region's default VPC.
const DefaultVPC = "00000000-0000-4000-8000-00000000d0d0"

// getVPC returns the default VPC of every region, and any other VPC by its id.
func getVPC(args resource.PropertyMap) (resource.PropertyMap, error) {
	id, region := text(args, "id"), text(args, "region")
	if id == "" {
		id = DefaultVPC
	}
	if region == "" {
		region = "fra1"
	}
	return resource.NewPropertyMapFromMap(map[string]any{
		"id": id, "region": region, "ipRange": "10.114.0.0/20", "default": id == DefaultVPC,
	}), nil
}

func getSSHKey(args resource.PropertyMap) (resource.PropertyMap, error) {
	name := text(args, "name")
	if name != "recorded" {
		return nil, errNotFound("SSH key", name)
	}
	return resource.NewPropertyMapFromMap(map[string]any{"id": 1, "name": name, "fingerprint": "3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa"}), nil
}

func getImage(args resource.PropertyMap) (resource.PropertyMap, error) {
	slug := text(args, "slug")
	if slug != "debian-12-x64" {
		return nil, errNotFound("image", slug)
	}
	return resource.NewPropertyMapFromMap(map[string]any{"id": 1, "slug": slug, "distribution": "Debian", "regions": recordedRegions}), nil
}

// getDomain returns every domain of two labels.
func getDomain(args resource.PropertyMap) (resource.PropertyMap, error) {
	name := text(args, "name")
	if strings.Count(name, ".") != 1 {
		return nil, fmt.Errorf("domain not found: there is no domain %q", name)
	}
	return resource.NewPropertyMapFromMap(map[string]any{"id": name, "name": name, "domainUrn": "do:domain:" + name, "ttl": 1800, "zoneFile": ""}), nil
}
