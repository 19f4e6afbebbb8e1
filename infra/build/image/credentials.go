package image

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// DockerKeychain reads the logins that `docker login` stored on this computer,
// and its credential helpers.
var DockerKeychain = authn.DefaultKeychain

// Login returns a keychain for the registry of one repository ("host/path", or just
// the host). The keychain has no login for another registry, so the password reaches
// no other one.
func Login(repository, username, password string) (authn.Keychain, error) {
	if username == "" || password == "" {
		return nil, fmt.Errorf("the login to %s has no user name or no password", repository)
	}
	host, err := registryOf(repository)
	if err != nil {
		return nil, err
	}
	return logins{host: {Username: username, Password: password}}, nil
}

// DockerConfig returns the keychain of a Docker configuration ({"auths":
// {"host": {"auth": "…"}}}).
func DockerConfig(config string) (authn.Keychain, error) {
	var parsed struct {
		Auths map[string]struct {
			Auth     string `json:"auth"`
			Username string `json:"username"`
			Password string `json:"password"`
		} `json:"auths"`
	}
	// The configuration is secret, so errors must not quote it.
	if err := json.Unmarshal([]byte(config), &parsed); err != nil {
		return nil, errors.New("the Docker configuration is not JSON with \"auths\"")
	}
	found := make(logins, len(parsed.Auths))
	for server, login := range parsed.Auths {
		host, err := registryOf(strings.TrimPrefix(strings.TrimPrefix(server, "https://"), "http://"))
		if err != nil {
			return nil, fmt.Errorf("reading the Docker configuration: %w", err)
		}
		user, password := login.Username, login.Password
		if login.Auth != "" {
			decoded, err := base64.StdEncoding.DecodeString(login.Auth)
			var whole bool
			user, password, whole = strings.Cut(string(decoded), ":")
			if err != nil || !whole {
				return nil, fmt.Errorf("the Docker configuration's login to %s is not base64 of user:password", host)
			}
		}
		found[host] = authn.AuthConfig{Username: user, Password: password}
	}
	if len(found) == 0 {
		return nil, errors.New("the Docker configuration has no logins")
	}
	return found, nil
}

// logins maps hosts to logins.
type logins map[string]authn.AuthConfig

func (l logins) Resolve(target authn.Resource) (authn.Authenticator, error) {
	if login, ok := l[target.RegistryStr()]; ok {
		return authn.FromConfig(login), nil
	}
	return authn.Anonymous, nil
}

// registryOf returns the host, as the registry's client names it.
func registryOf(repository string) (string, error) {
	host, _, _ := strings.Cut(repository, "/")
	registry, err := name.NewRegistry(host)
	if err != nil {
		return "", fmt.Errorf("%q is not a registry: %w", host, err)
	}
	return registry.RegistryStr(), nil
}
