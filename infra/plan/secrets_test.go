package plan

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSecretsAreMaskedAndNamed(t *testing.T) {
	var s Secrets
	s.Add("the value of a", "placeholder-for-a")
	s.Add("another name", "placeholder-for-a")
	s.Add("the value of a.b", "placeholder-for-a.b")
	s.Add("too short to tell", "abc")
	text := "A='placeholder-for-a' B=placeholder-for-a.b C=abc"
	assert.Equal(t, []string{"the value of a", "the value of a.b"}, s.Found(text))
	assert.Equal(t, "A='[secret]' B=[secret] C=abc", s.Mask(text))
}

func TestWhatLooksLikeAKeyIsFound(t *testing.T) {
	// The texts are joined at run time, so that secret scanners do not report this
	// file.
	join := func(parts ...string) string { return strings.Join(parts, "") }
	for kind, text := range map[string]string{
		"a private key":               join("x\n-----BEGIN RSA ", "PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\ny"),
		"an AWS access key":           join("id ", "AKIA", "ABCDEFGHIJKLMNOP", " here"),
		"a DigitalOcean token":        join("dop_v1_", strings.Repeat("0123456789abcdef", 4)),
		"a GitHub token":              join("ghp_", strings.Repeat("a", 36)),
		"a Slack token":               join("xoxb-", "123456789012-abcdef"),
		"a Stripe key":                join("sk_live_", strings.Repeat("a", 24)),
		"a Pulumi token":              join("pul-", strings.Repeat("0a", 20)),
		"a JSON web token":            join("eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxMjM0In0", ".c2lnbmF0dXJlIGhlcmU"),
		"a password in a URL":         "postgres://app:hunter22@db/app",
		"a password in an assignment": "export DB_PASSWORD='hunter22'",
	} {
		var s Secrets
		assert.Equal(t, []string{kind}, s.Found(text), kind)
		masked := s.Mask(text)
		assert.Contains(t, masked, Masked, kind)
		assert.Empty(t, s.Found(masked), "what is masked is found no more: %s", masked)
	}
}

func TestWhatIsNoKeyStays(t *testing.T) {
	var s Secrets
	for _, text := range []string{
		"proxy_pass http://api;", "redis://127.0.0.1:6379/0", "SECRET_KEY=$(cat /run/key)", `PASSWORD="$1"`,
		"secret:\n  secretName: api-tls", "SECRETS_FOLDER=/run/escala", "set tokens 100", "http://[::1]:8080/@x",
		"aws_secret_access_key = ${key}",
	} {
		assert.Empty(t, s.Found(text), text)
		assert.Equal(t, text, s.Mask(text))
	}
}

func TestCountTakesAStackWithoutPreviewForAnError(t *testing.T) {
	p := New(Stack{Error: "no"}, Stack{Findings: []Finding{{Level: Error}, {Level: Notice}, {Level: Warning}}})
	assert.Equal(t, 2, p.Count(Error))
	assert.Equal(t, 1, p.Count(Warning))
	assert.Equal(t, 1, p.Count(Notice))
	findings := []Finding{{Level: Notice, Where: "a"}, {Level: Error, Where: "b"}, {Level: Warning, Where: "c"}, {Level: Error, Where: "d"}}
	SortFindings(findings)
	assert.Equal(t, []Finding{{Level: Error, Where: "b"}, {Level: Error, Where: "d"}, {Level: Warning, Where: "c"}, {Level: Notice, Where: "a"}}, findings)
}
