package service

// ClientClaims are the headers in which a proxy describes its client, in Go's
// canonical form. A client can send any of them. So every front of the service
// (Nginx on a machine, the worker behind an Ingress) must set or remove each of
// them.
var ClientClaims = []string{
	"Forwarded",
	"X-Forwarded-For",
	"X-Forwarded-Proto",
	"X-Forwarded-Host",
	"X-Forwarded-Port",
	"X-Forwarded-Server",
	"X-Forwarded-Scheme",
	"X-Forwarded-Ssl",
	"X-Forwarded-Prefix",
	"X-Forwarded-Uri",
	"X-Forwarded-By",
	"X-Real-Ip",
	"X-Client-Ip",
	"X-Cluster-Client-Ip",
	"X-Original-Forwarded-For",
	"X-Original-Host",
	"X-Original-Url",
	"X-Rewrite-Url",
	"X-Scheme",
	"Front-End-Https",
	"True-Client-Ip",
	"Cf-Connecting-Ip",
	"Fastly-Client-Ip",
	"X-Request-Id",
}

// MachineClaims are the headers that Nginx on a machine sets. A worker believes
// them from a trusted proxy unless TRUSTED_HEADERS names others.
var MachineClaims = []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-Ip", "X-Request-Id"}

// IngressClaims are the headers that every Ingress controller sets. Any other may
// come from the client: an ALB does not set X-Forwarded-Host, X-Real-Ip or
// X-Request-Id, and passes them on.
var IngressClaims = []string{"X-Forwarded-For", "X-Forwarded-Proto"}
