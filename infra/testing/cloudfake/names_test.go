package cloudfake

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/offline"
	"escala/infra/engine/offline/clouds"
)

// operation returns an operation on a resource.
func operation(kind offline.Operation, token, id string, inputs map[string]any) *offline.Event {
	return &offline.Event{Operation: kind, Type: token, ID: id, Inputs: resource.NewPropertyMapFromMap(inputs), Outputs: resource.PropertyMap{}}
}

// TestAWSNames checks that the account refuses the operations on names and
// certificates that AWS refuses and stacks avoid.
func TestAWSNames(t *testing.T) {
	a := NewAWS()
	do := a.Effect(nil)
	zone := a.Zone("example.com")
	require.ErrorContains(t, do(operation(offline.Create, awsRecord, "r", map[string]any{"zoneId": zone, "name": "api.example.org", "type": "A"})),
		"RRSet with DNS name api.example.org. is not permitted in zone example.com.")
	assert.Equal(t, 1, a.Occurrences("zone-holds-the-name"))

	long := strings.Repeat("a", 60) + ".example.com"
	require.ErrorContains(t, do(operation(offline.Create, awsCertificate, "long", map[string]any{"domainName": long, "validationMethod": "DNS"})), "no longer than 64")
	assert.Equal(t, 1, a.Occurrences("common-name-64"))

	certificate := map[string]any{"domainName": "api.example.com", "validationMethod": "DNS"}
	require.NoError(t, do(operation(offline.Create, awsCertificate, "arn", certificate)))
	params := map[string]any{"spec": map[string]any{"certificateARNs": []any{"arn"}}}
	require.NoError(t, do(operation(offline.Create, ingressParams, "alb", params)))
	assert.Equal(t, 1, a.Occurrences("listener-needs-an-issued-certificate"))
	issue := operation(offline.Create, awsIssued, "issued", map[string]any{"certificateArn": "arn"})
	require.ErrorContains(t, do(issue), "PENDING_VALIDATION")
	assert.Equal(t, 1, a.Occurrences("certificate-is-validated"))
	name, value := clouds.ValidationRecord("api.example.com")
	require.NoError(t, do(operation(offline.Create, awsRecord, "proof", map[string]any{"zoneId": zone, "name": name + ".", "type": "CNAME", "records": []any{value + "."}})))
	require.NoError(t, do(issue))
	require.NoError(t, do(operation(offline.Update, ingressParams, "alb", params)))
	assert.Equal(t, 1, a.Occurrences("listener-needs-an-issued-certificate"))

	require.ErrorContains(t, do(operation(offline.Delete, awsCertificate, "arn", certificate)), "is in use")
	assert.Equal(t, 1, a.Occurrences("certificate-in-use"))
	require.NoError(t, do(operation(offline.Delete, ingressParams, "alb", params)))
	require.NoError(t, do(operation(offline.Delete, awsCertificate, "arn", certificate)))
}

// TestDigitalOceanNames checks that the account refuses the operations on names and
// certificates that DigitalOcean refuses, and has the side effects that stacks
// avoid.
func TestDigitalOceanNames(t *testing.T) {
	d := NewDigitalOcean()
	do := d.Effect(nil)
	record := map[string]any{"domain": "example.com", "name": "api", "type": "A", "value": "198.51.100.7"}
	certificate := map[string]any{"name": "api", "type": "lets_encrypt", "domains": []any{"api.example.com"}}
	require.ErrorContains(t, do(operation(offline.Create, doRecord, "1", record)), "404")
	require.ErrorContains(t, do(operation(offline.Create, doCertificate, "api", certificate)), "422")
	assert.Equal(t, 2, d.Occurrences("domain-must-be-there"))
	d.Domain("example.com")
	require.NoError(t, do(operation(offline.Create, doRecord, "1", record)))
	require.NoError(t, do(operation(offline.Create, doRecord, "2", record)))
	assert.Equal(t, 1, d.Occurrences("records-add-up"))
	require.NoError(t, do(operation(offline.Create, doCertificate, "api", certificate)))
	require.ErrorContains(t, do(operation(offline.Create, doCertificate, "api", certificate)), "already exists")
	assert.Equal(t, 1, d.Occurrences("certificate-name-taken"))

	annotations := map[string]any{balancerAnnotation + "certificate-name": "api"}
	release := map[string]any{"values": map[string]any{"service": map[string]any{"annotations": annotations}}}
	require.NoError(t, do(operation(offline.Create, helmRelease, "traefik", release)))
	assert.Equal(t, 1, d.Occurrences("certificate-takes-the-apex"))
	annotations[balancerAnnotation+"disable-lets-encrypt-dns-records"] = "true"
	require.NoError(t, do(operation(offline.Update, helmRelease, "traefik", release)))
	assert.Equal(t, 1, d.Occurrences("certificate-takes-the-apex"))
	require.ErrorContains(t, do(operation(offline.Delete, doCertificate, "api", certificate)), "403")
	assert.Equal(t, 1, d.Occurrences("certificate-in-use"))
}
