package kubeconfig

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Client returns an HTTP client that authenticates as the current context of a
// kubeconfig, with a time limit for each request, and the URL of the context's API.
// It is for a few requests, because Kubernetes' own typed client takes minutes to
// compile. Errors do not quote the content, which may be secret.
func Client(content string, timeout time.Duration) (*http.Client, *url.URL, error) {
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(content))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.Timeout = timeout
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the kubeconfig's server: %w", err)
	}
	client, err := HTTPClient(config)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the kubeconfig's login: %w", err)
	}
	return client, base, nil
}

// HTTPClient returns an HTTP client for a cluster. It follows no redirect: client-go
// sends the login with each request, also to another server, and the API's proxy
// passes on what pods answer. The API itself redirects nobody.
func HTTPClient(config *rest.Config) (*http.Client, error) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	own := *client // it may be http.DefaultClient
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own, nil
}
