package awsec2

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/sigv4"
	"escala/cloudinit/agent/store"
	"escala/infra/operate"
	"escala/service"
	reported "escala/service/machine"
)

// TestTheWebhooksURLIsAParameter checks that the machine gets the webhook's URL as
// a parameter that its role may read. The URL is neither in user-data nor in plain
// text in the state.
func TestTheWebhooksURLIsAParameter(t *testing.T) {
	const url = "https://hooks.example.com/secret-token"
	r := request()
	r.Spec.Secrets, r.Webhook = nil, url
	m := cloud()
	require.NoError(t, New().Check(t.Context(), r))
	require.NoError(t, m.Preview(New(), r))
	parameter := m.Only(t, "aws:ssm/parameter:Parameter")
	assert.Equal(t, "/escala/production/0011223344556677/webhook-url", parameter.Inputs["name"])
	assert.Equal(t, url, parameter.Inputs["value"])
	assert.True(t, parameter.Secret["value"])
	assert.Contains(t, m.OfType("aws:iam/rolePolicy:RolePolicy")[0].Inputs["policy"], "ssm:GetParameters")
	data := userData(t, m)
	assert.NotContains(t, data, "secret-token")
	r.Webhook = ""
	assert.NotContains(t, userData(t, deployed(t, New(), r)), "notify")
}

// stack returns a stack whose state is that after a failed update: the old machine
// serves, and the new one does not.
func stack(release service.ReleaseID) *operate.Stack {
	spec := service.NewSpec()
	spec.Workers.Count = 1
	return &operate.Stack{
		Project: "escala", Name: "production", Target: "aws-ec2", Spec: spec,
		Outputs: map[string]any{"release": string(release)},
		Resources: []operate.Resource{
			{Type: "aws:ec2/instance:Instance", ID: "i-new", Outputs: map[string]any{"publicIp": "198.51.100.1"}},
			{Type: "aws:ec2/instance:Instance", ID: "i-old", Replaced: true, Outputs: map[string]any{"publicIp": ""}},
			{Type: "aws:ec2/eip:Eip", ID: "eipalloc-1", Outputs: map[string]any{"publicIp": "192.0.2.2"}},
			{Type: "aws:s3/bucketV2:BucketV2", ID: "the-bucket"},
		},
		Config: func(context.Context, string) (string, bool, error) { return "", false, nil },
	}
}

func TestMachinesAreFoundInTheState(t *testing.T) {
	target := New()
	target.settings.Region = "eu-central-1"
	m, err := target.machines(t.Context(), stack(""))
	require.NoError(t, err)
	assert.Equal(t, []operate.At{
		{ID: "i-new", URLs: []string{"http://198.51.100.1", "http://192.0.2.2"}},
		{ID: "i-old", URLs: []string{"http://192.0.2.2"}, Replaced: true},
	}, m.At)
	bucket, ok := m.Objects.(store.Bucket)
	require.True(t, ok)
	assert.Equal(t, "https://the-bucket.s3.eu-central-1.amazonaws.com", bucket.URL)
}

// TestABucketThatRefusesIsUnknown checks that a bucket that refuses the operator
// does not hide the rest of the status.
func TestABucketThatRefusesIsUnknown(t *testing.T) {
	release := service.ReleaseID(strings.Repeat("1", 64))
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/the-bucket/") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_ = json.NewEncoder(w).Encode(reported.Status{
			Machine: "i-new", Phase: reported.Serving, Wanted: release, Current: release, Workers: []reported.Worker{{Release: release, Ready: true}},
		})
	}))
	defer site.Close()
	s := stack(release)
	s.Outputs["health"] = site.URL + "/health"
	m, err := New().machines(t.Context(), s)
	require.NoError(t, err)
	m.At = []operate.At{{ID: "i-new", URLs: []string{site.URL}}}
	m.Objects = store.S3{Bucket: "the-bucket", Region: "eu-central-1", Endpoint: site.URL + "/the-bucket"}.Objects(sigv4.Key{Access: "a", Secret: "b"})
	status := m.Status(t.Context())
	assert.True(t, status.Well, status.Problems)
	assert.Contains(t, strings.Join(status.Unknown, "\n"), "since, restarts, memory and disk of machine i-new: reading machines/i-new/details.json: access denied")
	assert.Nil(t, status.Instances[0].MemoryBytes)
}
