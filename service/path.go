package service

import (
	"path"
	"strings"
)

// The paths that a worker answers itself beside HealthPath and ReadyPath.
const (
	// MetricsPath answers Prometheus.
	MetricsPath = "/metrics"
	// StatusPath is answered on a worker's admin socket.
	StatusPath = "/status"
)

// CheckPath returns what is wrong with a health or readiness path, or "".
// Requests are compared with it as they come, so a path has one spelling.
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
