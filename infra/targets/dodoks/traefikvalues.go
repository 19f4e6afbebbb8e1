package dodoks

import (
	"strconv"
	"time"

	"escala/service"
)

// traefikChart contains the chart's values that differ from its defaults.
type traefikChart struct {
	Deployment          traefikDeployment `json:"deployment"`
	PodDisruptionBudget disruption        `json:"podDisruptionBudget"`
	IngressClass        ingressClass      `json:"ingressClass"`
	API                 traefikAPI        `json:"api"`
	Providers           traefikProviders  `json:"providers"`
	Log                 traefikLog        `json:"log"`
	Global              traefikGlobal     `json:"global"`
	Ports               traefikPorts      `json:"ports"`
	Service             traefikService    `json:"service"`
	Resources           resources         `json:"resources"`
	TopologySpread      []spread          `json:"topologySpreadConstraints"`
	// The fields below are for certificates that Traefik gets by itself.
	Resolvers          map[string]resolver `json:"certificatesResolvers,omitempty"`
	Persistence        *persistence        `json:"persistence,omitempty"`
	UpdateStrategy     *updateStrategy     `json:"updateStrategy,omitempty"`
	PodSecurityContext *podSecurityContext `json:"podSecurityContext,omitempty"`
}

type traefikDeployment struct {
	Replicas                      int          `json:"replicas"`
	TerminationGracePeriodSeconds int          `json:"terminationGracePeriodSeconds"`
	Lifecycle                     podLifecycle `json:"lifecycle"`
}

type podLifecycle struct {
	PreStop preStop `json:"preStop"`
}

type preStop struct {
	Sleep sleep `json:"sleep"`
}

type sleep struct {
	Seconds int `json:"seconds"`
}

type disruption struct {
	Enabled        bool `json:"enabled"`
	MaxUnavailable int  `json:"maxUnavailable"`
}

type ingressClass struct {
	Enabled        bool   `json:"enabled"`
	IsDefaultClass bool   `json:"isDefaultClass"`
	Name           string `json:"name"`
}

type traefikAPI struct {
	Dashboard bool `json:"dashboard"`
}

type traefikProviders struct {
	KubernetesCRD provider `json:"kubernetesCRD"`
}

type provider struct {
	Enabled bool `json:"enabled"`
}

type traefikLog struct {
	Format string `json:"format"`
}

type traefikGlobal struct {
	CheckNewVersion    bool `json:"checkNewVersion"`
	SendAnonymousUsage bool `json:"sendAnonymousUsage"`
}

type traefikPorts struct {
	Web       traefikPort `json:"web"`
	Websecure traefikPort `json:"websecure"`
}

type traefikPort struct {
	Expose           exposed       `json:"expose"`
	TargetPort       string        `json:"targetPort,omitempty"`
	HTTP             *portHTTP     `json:"http,omitempty"`
	ForwardedHeaders trusted       `json:"forwardedHeaders"`
	ProxyProtocol    trusted       `json:"proxyProtocol"`
	Transport        portTransport `json:"transport"`
}

type exposed struct {
	Default bool `json:"default"`
}

type portHTTP struct {
	Redirections *redirections `json:"redirections,omitempty"`
	TLS          *portTLS      `json:"tls,omitempty"`
}

type portTLS struct {
	Enabled      bool   `json:"enabled"`
	CertResolver string `json:"certResolver"`
}

type redirections struct {
	EntryPoint redirection `json:"entryPoint"`
}

type redirection struct {
	To        string `json:"to"`
	Scheme    string `json:"scheme"`
	Permanent bool   `json:"permanent"`
}

type trusted struct {
	TrustedIPs []string `json:"trustedIPs,omitempty"`
}

type portTransport struct {
	LifeCycle portLifecycle `json:"lifeCycle"`
}

type portLifecycle struct {
	RequestAcceptGraceTimeout string `json:"requestAcceptGraceTimeout"`
	GraceTimeOut              string `json:"graceTimeOut"`
}

type traefikService struct {
	Annotations map[string]string `json:"annotations"`
	Spec        serviceSpec       `json:"spec"`
}

type serviceSpec struct {
	Type                  string `json:"type"`
	ExternalTrafficPolicy string `json:"externalTrafficPolicy"`
}

type resources struct {
	Requests amounts `json:"requests"`
	Limits   amounts `json:"limits"`
}

type amounts struct {
	CPU    string `json:"cpu,omitempty"`
	Memory string `json:"memory"`
}

type spread struct {
	MaxSkew           int      `json:"maxSkew"`
	TopologyKey       string   `json:"topologyKey"`
	WhenUnsatisfiable string   `json:"whenUnsatisfiable"`
	LabelSelector     selector `json:"labelSelector"`
}

type selector struct {
	MatchLabels map[string]string `json:"matchLabels"`
}

// traefikValues returns the chart's values. certificate is the name of the load
// balancer's certificate, or "".
func traefikValues(s Settings, spec service.Spec, certificate string) traefikChart {
	chart := commonValues(spec)
	chart.Service.Annotations = annotations(s, spec, certificate)
	web, websecure := &chart.Ports.Web, &chart.Ports.Websecure
	source := s.certificateSource(spec)
	switch source {
	case namedCertificate, managedCertificate:
		// The load balancer terminates TLS and sends the client's address in a header.
		web.ForwardedHeaders.TrustedIPs = privateNetworks
		websecure.ForwardedHeaders.TrustedIPs = privateNetworks
		websecure.TargetPort = "web"
		return chart
	case noCertificate:
		// This port would present a self-signed certificate, which clients do not
		// trust.
		websecure.Expose.Default = false
	case secretCertificate, traefikCertificate:
		if spec.TLS.Redirect {
			web.HTTP = &portHTTP{Redirections: &redirections{redirection{To: "websecure", Scheme: "https", Permanent: true}}}
		}
	}
	web.ProxyProtocol.TrustedIPs = privateNetworks
	websecure.ProxyProtocol.TrustedIPs = privateNetworks
	if source == traefikCertificate {
		chart.resolve(spec)
	}
	return chart
}

// commonValues returns the values that do not depend on who terminates TLS.
func commonValues(spec service.Spec) traefikChart {
	port := traefikPort{
		Expose: exposed{Default: true},
		Transport: portTransport{LifeCycle: portLifecycle{
			RequestAcceptGraceTimeout: inSeconds(stillAccepting),
			GraceTimeOut:              inSeconds(drain(spec)),
		}},
	}
	return traefikChart{
		Deployment: traefikDeployment{
			Replicas:                      2,
			TerminationGracePeriodSeconds: service.Seconds(stillServing + stillAccepting + drain(spec) + endMargin),
			Lifecycle:                     podLifecycle{preStop{sleep{service.Seconds(stillServing)}}},
		},
		PodDisruptionBudget: disruption{Enabled: true, MaxUnavailable: 1},
		IngressClass:        ingressClass{Enabled: true, Name: class},
		Log:                 traefikLog{Format: "json"},
		Ports:               traefikPorts{Web: port, Websecure: port},
		Service: traefikService{
			// With "Local", a node whose only Traefik terminates still gets new connections
			// until the load balancer has checked it twice. Cilium, which replaces
			// kube-proxy on DOKS, drops them. Any node may forward a connection, because
			// the client's address comes with the PROXY protocol or in the load balancer's
			// header.
			Spec: serviceSpec{Type: "LoadBalancer", ExternalTrafficPolicy: "Cluster"},
		},
		Resources: resources{
			Requests: amounts{CPU: "100m", Memory: "96Mi"},
			Limits:   amounts{Memory: "256Mi"},
		},
		TopologySpread: []spread{{
			MaxSkew: 1, TopologyKey: "kubernetes.io/hostname", WhenUnsatisfiable: "ScheduleAnyway",
			LabelSelector: selector{map[string]string{"app.kubernetes.io/name": "traefik"}},
		}},
	}
}

func inSeconds(d time.Duration) string { return strconv.Itoa(service.Seconds(d)) + "s" }
