package instance

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	rolePath        = "/latest/meta-data/iam/security-credentials/"
	credentialsPath = rolePath + "the-role"
)

func TestRoleRenewsBeforeItExpires(t *testing.T) {
	s := newEC2Service(t, map[string]string{rolePath: "the-role\n"})
	r := NewRole(NewEC2(s.URL))
	s.set(credentialsPath, credentials(t, 1, time.Now().Add(time.Hour)))
	got, err := r.Retrieve(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "ASIA1", got.AccessKeyID)
	assert.Equal(t, "token-value", got.SessionToken)

	asked := s.count()
	s.set(credentialsPath, credentials(t, 2, time.Now().Add(time.Hour)))
	got, err = r.Retrieve(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "ASIA1", got.AccessKeyID)
	assert.Equal(t, asked, s.count(), "an hour is long")

	// The credentials expire in four minutes and are an hour old.
	r.current.Expires, r.requested = time.Now().Add(4*time.Minute), time.Now().Add(-time.Hour)
	got, err = r.Retrieve(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "ASIA2", got.AccessKeyID)
}

func TestRoleKeepsWhatItHasWhileTheServiceIsAway(t *testing.T) {
	s := newEC2Service(t, map[string]string{rolePath: "the-role"})
	s.set(credentialsPath, credentials(t, 1, time.Now().Add(time.Minute)))
	r := NewRole(NewEC2(s.URL))
	_, err := r.Retrieve(t.Context())
	require.NoError(t, err)

	asked := s.count()
	_, err = r.Retrieve(t.Context())
	require.NoError(t, err)
	assert.Equal(t, asked, s.count(), "a service that has nothing newer is not asked with every request")

	s.Close()
	r.requested = time.Now().Add(-time.Hour)
	got, err := r.Retrieve(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "ASIA1", got.AccessKeyID)
}

func TestRoleForgetsWhatAServiceRefused(t *testing.T) {
	s := newEC2Service(t, map[string]string{rolePath: "the-role"})
	s.set(credentialsPath, credentials(t, 1, time.Now().Add(time.Hour)))
	r := NewRole(NewEC2(s.URL))
	_, err := r.Retrieve(t.Context())
	require.NoError(t, err)
	s.set(credentialsPath, credentials(t, 2, time.Now().Add(time.Hour)))
	r.Invalidate()
	got, err := r.Retrieve(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "ASIA2", got.AccessKeyID)
}

func TestRoleThatHasNoCredentials(t *testing.T) {
	s := newEC2Service(t, map[string]string{})
	_, err := NewRole(NewEC2(s.URL)).Retrieve(t.Context())
	require.ErrorIs(t, err, ErrAbsent, "an instance without a profile has no such folder")

	for name, answer := range map[string]string{
		"EC2 cannot assume it": `{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role the-role."}`,
		"no JSON":              `secret-value`,
		"no token":             `{"Code":"Success","AccessKeyId":"A","SecretAccessKey":"secret-value","Expiration":"2030-01-01T00:00:00Z"}`,
		"no expiration":        `{"Code":"Success","AccessKeyId":"A","SecretAccessKey":"secret-value","Token":"token-value"}`,
		"a number":             `{"Code":"Success","AccessKeyId":1,"SecretAccessKey":"secret-value"}`,
	} {
		s := newEC2Service(t, map[string]string{rolePath: "the-role", credentialsPath: answer})
		_, err := NewRole(NewEC2(s.URL)).Retrieve(t.Context())
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), "secret-value", name)
		assert.NotContains(t, err.Error(), "token-value", name)
		require.ErrorContains(t, err, "the-role", name)
	}
	for _, name := range []string{"", "a/b", "a?b", "a b"} {
		s := newEC2Service(t, map[string]string{rolePath: name})
		_, err := NewRole(NewEC2(s.URL)).Retrieve(t.Context())
		require.ErrorContains(t, err, "name for the role", name)
	}
}

func TestRoleSaysWhenTheServiceIsClosed(t *testing.T) {
	s := newEC2Service(t, nil)
	// An instance answers this if its metadata service is switched off.
	s.next(http.StatusForbidden)
	_, err := NewRole(NewEC2(s.URL)).Retrieve(t.Context())
	require.ErrorIs(t, err, ErrUnreachable)
	var status statusError
	require.ErrorAs(t, err, &status)
	assert.Equal(t, http.StatusForbidden, int(status))
}
