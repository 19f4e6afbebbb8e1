package dodoks

import "escala/service"

// The types below are the parts of the chart's values with which Traefik gets
// certificates by itself.

type resolver struct {
	ACME acme `json:"acme"`
}

type acme struct {
	CAServer      string        `json:"caServer"`
	Email         string        `json:"email,omitempty"`
	Storage       string        `json:"storage"`
	HTTPChallenge httpChallenge `json:"httpChallenge"`
}

type httpChallenge struct {
	EntryPoint string `json:"entryPoint"`
}

type persistence struct {
	Enabled bool   `json:"enabled"`
	Size    string `json:"size"`
}

type updateStrategy struct {
	Type string `json:"type"`
}

type podSecurityContext struct {
	FSGroup             int    `json:"fsGroup"`
	FSGroupChangePolicy string `json:"fsGroupChangePolicy"`
}

const (
	// resolverName is the name of Traefik's certificate resolver.
	resolverName = "acme"
	// traefikGroup is the group of Traefik's process in the chart.
	traefikGroup = 65532
	// storageSize is the smallest volume that DigitalOcean has.
	storageSize = "1Gi"
)

// resolve lets Traefik get the certificates of the Ingress' hosts by HTTP-01. Its
// file of certificates can have only one writer ("For concurrency reasons, this
// file cannot be shared across multiple instances of Traefik"), and so can a volume
// of DigitalOcean. So there is one Traefik, and the old one ends before the new one
// starts. Replacing Traefik or its node therefore interrupts the service for about
// a minute.
func (c *traefikChart) resolve(spec service.Spec) {
	c.Resolvers = map[string]resolver{resolverName: {ACME: acme{
		CAServer:      spec.TLS.Directory(),
		Email:         spec.TLS.Email,
		Storage:       "/data/acme.json",
		HTTPChallenge: httpChallenge{EntryPoint: "web"},
	}}}
	c.Ports.Websecure.HTTP = &portHTTP{TLS: &portTLS{Enabled: true, CertResolver: resolverName}}
	c.Persistence = &persistence{Enabled: true, Size: storageSize}
	c.Deployment.Replicas = 1
	c.UpdateStrategy = &updateStrategy{Type: "Recreate"}
	// No other Traefik takes over, so a longer wait would only prolong the
	// interruption.
	c.Deployment.Lifecycle.PreStop.Sleep.Seconds = 1
	// With this policy the kubelet gives the volume to Traefik's group only once.
	// Otherwise it would do so at each start and make the file readable to the
	// group, which Traefik refuses (traefik-helm-chart, issues 164 and 396).
	c.PodSecurityContext = &podSecurityContext{FSGroup: traefikGroup, FSGroupChangePolicy: "OnRootMismatch"}
}
