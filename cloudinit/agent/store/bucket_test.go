package store_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/sigv4"
	"escala/cloudinit/agent/store"
	"escala/cloudinit/agent/store/s3test"
	"escala/service"
)

const machine = "i-0123456789abcdef0"

// published returns a server with a bucket that has a release, and the key of a
// machine with the permissions of its role.
func published(t *testing.T) (*s3test.Server, sigv4.Key, service.Release, []byte) {
	t.Helper()
	s := s3test.Start(t)
	s.MakeBucket("releases")
	key := s.MakeKey("machine")
	s.SetPolicy("releases",
		s3test.Statement{Key: key, Actions: []string{"s3:GetObject"}, Resources: []string{service.PointerKey, "releases/*", "agents/*"}},
		s3test.Statement{Key: key, Actions: []string{"s3:GetObject", "s3:PutObject"}, Resources: []string{"machines/" + machine + "/*"}})
	release, binary := put(t, s, "releases")
	return s, key, release, binary
}

func put(t *testing.T, s *s3test.Server, bucket string) (service.Release, []byte) {
	t.Helper()
	binary := make([]byte, 300_000)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(binary)
	release := service.ReleaseOf(binary)
	s.Do(http.MethodPut, "/"+bucket+"/"+release.Key(), binary)
	s.Do(http.MethodPut, "/"+bucket+"/"+service.PointerKey, []byte(release.Pointer()))
	return release, binary
}

func openS3(t *testing.T, s *s3test.Server, key sigv4.Credentials) store.Store {
	t.Helper()
	settings := store.Settings{S3: &store.S3{Bucket: "releases", Region: s3test.Region, Endpoint: s.BucketURL("releases")}}
	opened, err := settings.Open(machine, store.Access{Role: key})
	require.NoError(t, err)
	return opened
}

func TestS3(t *testing.T) {
	s, key, release, binary := published(t)
	opened := openS3(t, s, key)

	current, err := opened.Current(t.Context())
	require.NoError(t, err)
	assert.Equal(t, service.Wanted{Release: release}, current)
	path := filepath.Join(t.TempDir(), "api")
	require.NoError(t, store.Fetch(t.Context(), opened, release, path))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(binary, got))

	for _, said := range []string{`{"phase":"rolling"}`, `{"phase":"serving"}`, ""} {
		require.NoError(t, opened.Write(t.Context(), store.StatusName, []byte(said)))
		got, err := store.Read(t.Context(), opened, store.StatusName)
		require.NoError(t, err)
		assert.Equal(t, said, string(got))
	}
	// A name that needs escaping in a URL would get a wrong signature if it
	// were escaped twice. No name has such a character.
	require.NoError(t, opened.Write(t.Context(), "certificates/example.com_v1.2-x", []byte("x")))
	// The store keeps old versions. The bucket's lifecycle removes them.
	assert.Equal(t, 3, bytes.Count(s.Do(http.MethodGet, "/releases?versions=&prefix=machines/"+machine+"/status.json", nil), []byte("<VersionId>")))
}

func TestS3LetsAMachineDoNoMore(t *testing.T) {
	s, key, release, _ := published(t)
	opened := openS3(t, s, key)
	client := s.Client(key)
	s.Do(http.MethodPut, "/releases/machines/i-other/status.json", []byte("of another machine"))
	for request, want := range map[string]int{
		"GET /current": 200, "GET /" + release.Key(): 200, "PUT /machines/" + machine + "/status.json": 200,
		"PUT /current": 403, "DELETE /current": 403, "PUT /" + release.Key(): 403, "PUT /agents/x": 403,
		"GET /machines/i-other/status.json": 403, "PUT /machines/i-other/status.json": 403, "PUT /machines/x": 403,
		"GET /": 403, "DELETE /machines/" + machine + "/status.json": 403,
	} {
		method, path, _ := bytes.Cut([]byte(request), []byte(" "))
		resp, err := client.Do(t.Context(), sigv4.Request{Method: string(method), URL: s.BucketURL("releases") + string(path)})
		var refused *sigv4.Error
		if err == nil {
			resp.Body.Close()
			assert.Equal(t, want, resp.StatusCode, request)
			continue
		}
		require.ErrorAs(t, err, &refused, request)
		assert.Equal(t, want, refused.Status, request)
	}
	other, err := store.Settings{S3: &store.S3{Bucket: "releases", Region: s3test.Region, Endpoint: s.BucketURL("releases")}}.Open("i-other", store.Access{Role: key})
	require.NoError(t, err)
	require.ErrorIs(t, other.Write(t.Context(), store.StatusName, nil), store.ErrDenied)
	_, err = store.Read(t.Context(), opened, "never-written")
	require.Error(t, err, "without s3:ListBucket S3 says denied, and versitygw not found")

	_, err = openS3(t, s, sigv4.Key{Access: key.Access, Secret: "wrong"}).Current(t.Context())
	require.ErrorIs(t, err, store.ErrDenied)
	require.ErrorContains(t, err, "SignatureDoesNotMatch")
	_, err = openS3(t, s, sigv4.Key{Access: "unknown", Secret: "wrong"}).Current(t.Context())
	require.ErrorIs(t, err, store.ErrDenied)
}

func TestSpaces(t *testing.T) {
	s := s3test.Start(t)
	s.MakeBucket("releases")
	s.MakeBucket("machines")
	release, _ := put(t, s, "releases")
	key := s.MakeKey("droplet")
	s.Spaces(key, s3test.Grant{Bucket: "releases", Permission: "read"}, s3test.Grant{Bucket: "machines", Permission: "readwrite"})
	open := func(settings store.Spaces) store.Store {
		settings.Region, settings.Endpoint = s3test.Region, s.URL
		opened, err := store.Settings{Spaces: &settings}.Open("2756294", store.Access{Key: key})
		require.NoError(t, err)
		return opened
	}
	opened := open(store.Spaces{Releases: "releases", Machines: "machines"})
	current, err := opened.Current(t.Context())
	require.NoError(t, err)
	assert.Equal(t, service.Wanted{Release: release}, current)
	require.NoError(t, store.Fetch(t.Context(), opened, release, filepath.Join(t.TempDir(), "api")))
	require.NoError(t, opened.Write(t.Context(), store.StatusName, []byte("{}")))
	got, err := store.Read(t.Context(), opened, store.StatusName)
	require.NoError(t, err)
	assert.Equal(t, "{}", string(got))

	// If one bucket were used for both, the machine could not write.
	err = open(store.Spaces{Releases: "releases", Machines: "releases"}).Write(t.Context(), store.StatusName, nil)
	require.ErrorIs(t, err, store.ErrDenied)
	_, err = open(store.Spaces{Releases: "another", Machines: "machines"}).Current(t.Context())
	require.ErrorIs(t, err, store.ErrDenied)
}

func TestFaultsOfAStore(t *testing.T) {
	s, key, release, binary := published(t)
	wrong := bytes.Clone(binary)
	wrong[1000] ^= 1
	took := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { took = true }))
	defer elsewhere.Close()
	for name, test := range map[string]struct {
		fault s3test.Fault
		want  error
	}{
		"SlowDown once":        {s3test.Times(1, s3test.Refuse(503, "SlowDown", "Please reduce your request rate.")), nil},
		"SlowDown for ever":    {s3test.Refuse(503, "SlowDown", "Please reduce your request rate."), store.ErrUnreachable},
		"InternalError":        {s3test.Times(2, s3test.Refuse(500, "InternalError", "We encountered an internal error.")), nil},
		"AccessDenied":         {s3test.Refuse(403, "AccessDenied", "Access Denied"), store.ErrDenied},
		"expired":              {s3test.Refuse(400, "ExpiredToken", "The provided token has expired."), store.ErrDenied},
		"NoSuchKey":            {s3test.Refuse(404, "NoSuchKey", "The specified key does not exist."), store.ErrNotFound},
		"NoSuchBucket":         {s3test.Refuse(404, "NoSuchBucket", "The specified bucket does not exist"), store.ErrNotFound},
		"another region's":     {s3test.Redirect(301, elsewhere.URL), store.ErrUnreachable},
		"a redirect meanwhile": {s3test.Redirect(307, elsewhere.URL), store.ErrUnreachable},
		"cut":                  {s3test.Cut(binary, binary[:100_000]), store.ErrUnreachable},
		"cut at once":          {s3test.Cut(binary, nil), store.ErrUnreachable},
		"wrong bytes":          {s3test.Answer(wrong), store.ErrCorrupt},
		"too few":              {s3test.Answer(binary[:100_000]), store.ErrCorrupt},
		"another release":      {s3test.Answer(append(bytes.Clone(binary), 0)), store.ErrCorrupt},
		"huge":                 {s3test.Endless(binary), store.ErrCorrupt},
		"slow, but it comes":   {s3test.Slow(binary, 100_000, 50*time.Millisecond), nil},
	} {
		t.Run(name, func(t *testing.T) {
			s.Set(test.fault)
			defer s.Set(nil)
			folder := t.TempDir()
			err := store.Fetch(t.Context(), openS3(t, s, key), release, filepath.Join(folder, "api"))
			if test.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, test.want)
			entries, err := os.ReadDir(folder)
			require.NoError(t, err)
			assert.Empty(t, entries)
		})
	}
	assert.False(t, took, "no redirect is followed")
}

func TestFaultsOfAPointer(t *testing.T) {
	s, key, release, _ := published(t)
	opened := openS3(t, s, key)
	for name, test := range map[string]struct {
		fault s3test.Fault
		want  error
	}{
		"cut":   {s3test.Cut([]byte(release.Pointer()), []byte(release.Pointer()[:40])), store.ErrUnreachable},
		"short": {s3test.Answer([]byte(release.Pointer()[:40])), store.ErrCorrupt},
		"huge":  {s3test.Endless(bytes.Repeat([]byte("0"), 1000)), store.ErrCorrupt},
		"page":  {s3test.Answer([]byte("<html>log in</html>")), store.ErrCorrupt},
	} {
		s.Set(test.fault)
		_, err := opened.Current(t.Context())
		require.ErrorIs(t, err, test.want, name)
	}
	s.Set(nil)
	_, err := opened.Current(t.Context())
	require.NoError(t, err)
}

func TestAStoreThatIsAway(t *testing.T) {
	settings := store.Settings{S3: &store.S3{Bucket: "b", Region: "r", Endpoint: "http://127.0.0.1:1/b"}}
	opened, err := settings.Open(machine, store.Access{Role: sigv4.Key{Access: "a", Secret: "secret-value"}})
	require.NoError(t, err)
	_, err = opened.Current(t.Context())
	require.ErrorIs(t, err, store.ErrUnreachable)
	require.ErrorIs(t, opened.Write(t.Context(), store.StatusName, nil), store.ErrUnreachable)
	assert.NotContains(t, err.Error(), "secret-value")
}

func TestSettingsAreOfOneKind(t *testing.T) {
	for _, settings := range []store.Settings{
		{}, {Folder: "/a", S3: &store.S3{}}, {S3: &store.S3{}, Spaces: &store.Spaces{}}, {Folder: "/a", Spaces: &store.Spaces{}},
	} {
		_, err := settings.Open(machine, store.Access{})
		require.ErrorContains(t, err, "want exactly one")
	}
}

// session holds credentials of a role: a key with a token.
type session struct {
	sigv4.Key
	token string
}

func (s session) Retrieve(ctx context.Context) (aws.Credentials, error) {
	credentials, err := s.Key.Retrieve(ctx)
	credentials.SessionToken = s.token
	return credentials, err
}

func TestS3WithARolesToken(t *testing.T) {
	s, key, release, _ := published(t)
	s.Set(s.Session(key, "a-token+/="))
	opened := openS3(t, s, session{key, "a-token+/="})
	require.NoError(t, store.Fetch(t.Context(), opened, release, filepath.Join(t.TempDir(), "api")))
	require.NoError(t, opened.Write(t.Context(), store.StatusName, []byte("{}")))
	for _, wrong := range []sigv4.Credentials{key, session{key, "another"}, session{sigv4.Key{Access: key.Access, Secret: "wrong"}, "a-token+/="}} {
		_, err := openS3(t, s, wrong).Current(t.Context())
		require.ErrorIs(t, err, store.ErrDenied)
	}
}
