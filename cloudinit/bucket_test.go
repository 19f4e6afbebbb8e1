package cloudinit

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/host"
	"escala/cloudinit/agent/store"
	"escala/cloudinit/agent/store/s3test"
	"escala/service"
	"escala/service/machine"
)

// bucketID is the machine's id in these tests.
const bucketID = "i-0123456789abcdef0"

// onBucket configures a bucket with these settings as the machine's store.
func (b *bench) onBucket(t *testing.T, settings store.Settings, metadata string) {
	t.Helper()
	path := b.root + host.ConfigFile
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	var config map[string]any
	require.NoError(t, json.Unmarshal(content, &config))
	config["store"], config["metadata"] = settings, metadata
	content, err = json.Marshal(config)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, content, 0o644))
	id := filepath.Join(b.root, "var/lib/cloud/data/instance-id")
	require.NoError(t, os.MkdirAll(filepath.Dir(id), 0o755))
	require.NoError(t, os.WriteFile(id, []byte(bucketID+"\n"), 0o644))
}

// publish copies a release from the folder to the bucket.
func (b *bench) publish(t *testing.T, s *s3test.Server, variant string) service.Release {
	t.Helper()
	release := b.release(t, variant)
	path := filepath.Join(b.store, release.Key())
	binary, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	s.Do(http.MethodPut, "/releases/"+release.Key(), binary)
	s.Do(http.MethodPut, "/releases/"+service.PointerKey, []byte(release.Pointer()))
	return release
}

// storedStatus returns the machine's status in the bucket.
func storedStatus(t *testing.T, s *s3test.Server, bucket string) machine.Status {
	t.Helper()
	status, err := machine.Read(bytes.NewReader(s.Do(http.MethodGet, "/"+bucket+"/"+store.MachineKey(bucketID, store.StatusName), nil)))
	require.NoError(t, err)
	return status
}

// TestAgentFollowsABucketWithItsRole checks the agent against a real S3 server, with
// the credentials of its role.
func TestAgentFollowsABucketWithItsRole(t *testing.T) {
	s := s3test.Start(t)
	b := newBench(t)
	s.MakeBucket("releases")
	key := s.MakeKey("machine")
	s.SetPolicy("releases",
		s3test.Statement{Key: key, Actions: []string{"s3:GetObject"}, Resources: []string{service.PointerKey, "releases/*"}},
		s3test.Statement{Key: key, Actions: []string{"s3:GetObject", "s3:PutObject"}, Resources: []string{store.MachineKey(bucketID, "*")}})
	b.onBucket(t, store.Settings{S3: &store.S3{Bucket: "releases", Region: s3test.Region, Endpoint: s.BucketURL("releases")}}, roleService(t, key).URL)

	first := b.publish(t, s, "one")
	s.Set(s.Session(key, "IQoJb3Jp+/="))
	b.serves(t, b.runOnce(t), first)
	s.Set(nil)
	status := storedStatus(t, s, "releases")
	assert.Equal(t, bucketID, status.Machine)
	assert.Equal(t, first.ID, status.Wanted)

	// If the store is busy, refuses or returns wrong content, the current
	// release keeps serving and the status has the reason.
	second := b.publish(t, s, "two")
	for reason, fault := range map[string]s3test.Fault{
		"503 SlowDown":      s3test.Refuse(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate."),
		"403 AccessDenied":  s3test.Refuse(http.StatusForbidden, "AccessDenied", "Access Denied"),
		"release pointer":   s3test.Answer([]byte("<html>log in</html>")),
		"a redirect to":     s3test.Redirect(http.StatusMovedPermanently, "https://elsewhere.example/"),
		"the answer breaks": s3test.Cut(make([]byte, 74), []byte(second.Pointer()[:20])),
	} {
		s.Set(fault)
		status := b.runOnce(t)
		assert.Equal(t, machine.Failing, status.Phase, reason)
		assert.Contains(t, status.Reason, reason)
		assert.Equal(t, first.ID, b.get(t), reason)
	}

	s.Set(s.Session(key, "IQoJb3Jp+/="))
	b.serves(t, b.runOnce(t), second)
}

// TestAgentFollowsSpacesWithItsKey checks the agent against simulated Spaces: two
// buckets, and one key for both.
func TestAgentFollowsSpacesWithItsKey(t *testing.T) {
	s := s3test.Start(t)
	b := newBench(t)
	s.MakeBucket("releases")
	s.MakeBucket("machines")
	key := s.MakeKey("droplet")
	s.Spaces(key, s3test.Grant{Bucket: "releases", Permission: "read"}, s3test.Grant{Bucket: "machines", Permission: "readwrite"})
	b.onBucket(t, store.Settings{Spaces: &store.Spaces{Releases: "releases", Machines: "machines", Region: s3test.Region, Endpoint: s.URL}}, "")
	content, err := json.Marshal(host.StoreKey{Access: key.Access, Secret: key.Secret})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(b.root+host.StoreKeyFile, content, 0o600))

	release := b.publish(t, s, "one")
	b.serves(t, b.runOnce(t), release)
	assert.Equal(t, release.ID, storedStatus(t, s, "machines").Wanted)
}
