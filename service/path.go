package service

import (
	"path"
	"strings"
)

// Paths that a worker answers itself, besides HealthPath and ReadyPath.
const (
	// MetricsPath is the path of the Prometheus metrics.
	MetricsPath = "/metrics"
	// StatusPath is the status path on a worker's admin socket.
	StatusPath = "/status"
)

// CheckPath returns the error of a health or readiness path, or "". Requests
// are compared without normalization, so a path must have only one spelling.
func CheckPath(p string) string {
	switch {
	case !urlPath.MatchString(p):
		return "is not a path; for example \"/health\""
	case p != "/" && path.Clean(p) != strings.TrimSuffix(p, "/"):
		return "has empty or dot segments, which clients remove; for example \"/health\""
	case p == MetricsPath || p == StatusPath:
		return "is what a worker answers itself; choose another one"
	}
	return ""
}
