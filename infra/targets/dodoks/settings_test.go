package dodoks

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheckReportsEverythingAtOnce(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "doctl"), []byte("#!/bin/sh\n"), 0o755))
	t.Setenv("PATH", folder)
	d := New()
	require.NoError(t, d.Check(t.Context(), request()))
	d.settings = Settings{
		WorkloadSettings: d.settings.WorkloadSettings,
		Region:           "Frankfurt", Version: "1.36.4-do.0", Size: "large!", MinNodes: 0, MaxNodes: -1,
		MaintenanceDay: "someday", MaintenanceStart: "03:30", CIDR: "8.8.8.0/24",
		Registry: "Mine", RegistryTier: "free", Certificate: "api", Tags: []string{"a b"},
	}
	d.settings.Namespace = "traefik"
	r := request()
	r.Spec.Workers.Count = 8
	r.Spec.WebSocket.ProxyIdle = time.Hour
	err := d.Check(t.Context(), r)
	for _, said := range []string{
		`doks.region: "Frankfurt" is not a region`, `doks.version: "1.36.4-do.0" is not a minor version`, `doks.size: "large!" is not`,
		"doks.minNodes: 0 is not from 1", "doks.maxNodes: -1 is not from", `doks.maintenanceDay: "someday" is not one of`,
		`doks.maintenanceStart: "03:30" is not a full hour`, `doks.cidr: "8.8.8.0/24" is not a private`, `doks.registry: "Mine" is not`,
		`doks.registryTier: "free" is not one of`, "service.host: is not set, but doks.certificate is", `doks.tags: "a b" is not a tag`,
		`doks.namespace: "traefik" is the namespace of the ingress controller`, "service.workers.count: is set to 8", "service.webSocket.proxyIdle: 1h0m0s is not from 30s to 10m0s",
	} {
		require.ErrorContains(t, err, said)
	}
	t.Setenv("PATH", t.TempDir())
	assert.ErrorContains(t, New().Check(t.Context(), request()), "this computer: lacks doctl")
}
