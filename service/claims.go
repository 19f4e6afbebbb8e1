package service

// ClientClaims are the headers with which a proxy speaks for its client, in Go's
// canonical form. A client can write any of them. So every front of the service
// (Nginx on a machine, the worker behind an Ingress) sets each of them itself or
// removes it.
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

// MachineClaims are those that Nginx on a machine sets. A worker believes them
// from a trusted proxy unless TRUSTED_HEADERS names others.
var MachineClaims = []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-Ip", "X-Request-Id"}

// IngressClaims are those that every Ingress controller sets. What else comes
// through one may be the client's: an ALB sets neither X-Forwarded-Host nor
// X-Real-Ip nor X-Request-Id, and hands them on.
var IngressClaims = []string{"X-Forwarded-For", "X-Forwarded-Proto"}
