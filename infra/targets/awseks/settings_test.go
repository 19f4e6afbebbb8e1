package awseks

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatAWSDoesNotHave(t *testing.T) {
	m := cloud(deployer)
	err := m.Preview(with(func(s *Settings) { s.Version, s.Zones = "1.33", 4 }), request())
	require.ErrorContains(t, err, `eks.version: "1.33" is not in standard support in eu-central-1; these are: 1.35, 1.36`)
	require.ErrorContains(t, err, "eks.zones: eu-central-1 has 3 zones for EKS (eu-central-1a, eu-central-1b, eu-central-1c), not 4")
	for _, r := range m.Resources() {
		assert.NotContains(t, r.Type, "aws:", "nothing was asked for")
	}
}

func TestCheckReportsEverythingAtOnce(t *testing.T) {
	withAWS(t)
	e := New()
	require.NoError(t, e.Check(t.Context(), request()))
	e.settings = Settings{
		WorkloadSettings: e.settings.WorkloadSettings,
		Region:           "Frankfurt", Version: "1.36.1", CIDR: "10.0.0.0/8", Zones: 1, NAT: "two",
		Admins:         []string{"arn:aws:sts::123456789012:assumed-role/deploy/session"},
		EndpointCIDRs:  []string{"10.0.0.1/8"},
		Logs:           []string{"kubelet"},
		LogDays:        8,
		CertificateARN: "arn:aws:acm:us-east-1:123456789012:certificate/0123abcd",
		Tags:           map[string]string{"eks:mine": "x"},
	}
	r := request()
	r.Spec.Workers.Count = 8
	r.Spec.WebSocket.ProxyIdle = 2 * time.Hour
	r.Spec.Lifecycle.Drain = time.Hour
	err := e.Check(t.Context(), r)
	for _, said := range []string{
		`eks.region: "Frankfurt" is not a region`, `eks.version: "1.36.1" is not a minor version`, "eks.cidr: /8 is not from /16 to /20",
		"eks.zones: 1 is not from 2", `eks.nat: "two" must be`, "eks.admins: \"arn:aws:sts::123456789012:assumed-role/deploy/session\" is not the ARN",
		`eks.endpointCidrs: "10.0.0.1/8" is not a range`, `eks.logs: "kubelet" is not one of`, "eks.logDays: 8 is not a number of days",
		"eks.certificateArn: is of us-east-1, but the load balancer is in Frankfurt", "service.host: is not set, but eks.certificateArn is",
		"eks.tags.eks:mine: begins with", "service.workers.count: is set to 8", "service.webSocket.proxyIdle: 2h0m0s is not",
		"service.lifecycle.drain: 1h0m0s and the 20s before it",
	} {
		assert.ErrorContains(t, err, said)
	}
}

func TestCheckLooksForTheCLI(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	require.ErrorContains(t, New().Check(t.Context(), request()), "this computer: lacks the AWS CLI")
	offline := request()
	offline.Offline = true
	assert.NoError(t, New().Check(t.Context(), offline))
}

// withAWS sets PATH to a folder with only a fake AWS CLI.
func withAWS(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "aws"), []byte("#!/bin/sh\n"), 0o755))
	t.Setenv("PATH", folder)
}
