package cloudinit

import (
	"escala/cloudinit/agent/host"
	"escala/service"
)

// nginxMetrics holds the template's values for the metrics of named scrapers.
type nginxMetrics struct {
	// Path is where the metrics are, Socket where the agent answers.
	Path, Socket string
	// Allow are the scrapers' addresses and networks.
	Allow []string
}

// scraped reports whether a scraper is named.
func (m Machine) scraped() bool { return len(m.Spec.Metrics.Allow) > 0 }

// nginxMetrics returns nil if no scraper is named.
func (m Machine) nginxMetrics() *nginxMetrics {
	if !m.scraped() {
		return nil
	}
	return &nginxMetrics{Path: service.MetricsPath, Socket: m.Root + host.MetricsSocket, Allow: m.Spec.Metrics.Allow}
}

// metricsFolders returns the folder of the agent's socket, in tmpfiles' form.
func (m Machine) metricsFolders() string {
	if !m.scraped() {
		return ""
	}
	return "d " + host.MetricsRun + " 0750 root www-data -\n"
}
