package front

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"strings"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"escala/infra/testing/kube"
)

// ingress records an Ingress, and gives it the controller's address.
func (f *Front) ingress(ctx context.Context, c kube.Change) {
	i, err := kube.Decode[kube.Ingress](c.Object)
	if err != nil {
		return
	}
	f.mu.Lock()
	key := i.Namespace + "/" + i.Name
	_, known := f.ingresses[key]
	if c.Deleted {
		delete(f.ingresses, key)
	} else {
		f.ingresses[key] = i
	}
	f.mu.Unlock()
	if known || c.Deleted {
		return
	}
	status, err := json.Marshal(map[string]any{"status": map[string]any{"loadBalancer": map[string]any{
		"ingress": []any{map[string]any{"ip": f.options.Address.String()}},
	}}})
	if err == nil {
		// A failure does not matter: a deleted Ingress needs no address.
		_, _ = f.options.Client.Resource(kube.Ingresses).Namespace(i.Namespace).Patch(ctx, i.Name, types.MergePatchType, status, metav1.PatchOptions{}, "status")
	}
}

// route returns the Service for a request. Of the rules for the request's host, it
// uses the one with the longest path
// (kubernetes.io/docs/concepts/services-networking/ingress).
func (f *Front) route(r *http.Request) (backend, bool) {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	best, length := backend{}, -1
	for _, i := range f.ingresses {
		for _, rule := range i.Spec.Rules {
			if rule.Host != "" && !strings.EqualFold(rule.Host, host) {
				continue
			}
			for _, path := range rule.HTTP.Paths {
				if len(path.Path) <= length || !matches(path.PathType, path.Path, r.URL.Path) {
					continue
				}
				to := path.Backend.Service
				port := to.Port.Name
				for _, p := range f.services[i.Namespace+"/"+to.Name].Spec.Ports {
					if to.Port.Number != 0 && p.Port == to.Port.Number {
						port = p.Name
					}
				}
				best, length = backend{i.Namespace, to.Name, port}, len(path.Path)
			}
		}
	}
	return best, length >= 0
}

// matches reports whether a path is below a prefix, element by element.
func matches(kind, prefix, path string) bool {
	if kind == "Exact" {
		return path == prefix
	}
	prefix = strings.TrimSuffix(prefix, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// addressesKey is the context key of the addresses that a request may go to.
type addressesKey struct{}

// serveIngress runs the ingress controller.
func (f *Front) serveIngress(ctx context.Context) error {
	transport := &http.Transport{
		Proxy: nil, MaxIdleConnsPerHost: 200, IdleConnTimeout: 90 * time.Second, // Traefik's serversTransport
		DisableCompression: true,
		DialContext:        (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
	}
	defer transport.CloseIdleConnections()
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetXForwarded()
			r.Out.Header.Set("X-Real-Ip", clientAddress(r.In))
			r.Out.Host = r.In.Host
			r.Out.URL.Scheme = "http"
			r.Out.URL.Host = addresses(r.In)[0]
			if _, set := r.In.Header["User-Agent"]; !set {
				r.Out.Header["User-Agent"] = nil
			}
		},
		Transport: roundTripper{transport, f}, FlushInterval: -1,
		ErrorLog: log.New(io.Discard, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	server := &http.Server{
		Addr: netip.AddrPortFrom(f.options.Address, 80).String(), ReadHeaderTimeout: time.Minute,
		ErrorLog:    log.New(io.Discard, "", 0),
		BaseContext: func(net.Listener) context.Context { return ctx },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			to, found := f.route(r)
			if !found {
				http.NotFound(w, r)
				return
			}
			addresses := f.routed.next(to)
			if len(addresses) == 0 {
				http.Error(w, "no available server", http.StatusServiceUnavailable)
				return
			}
			proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), addressesKey{}, addresses)))
		}),
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving as an ingress controller: %w", err)
	}
	return nil
}

func addresses(r *http.Request) []string {
	all, _ := r.Context().Value(addressesKey{}).([]string)
	return all
}

func clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// roundTripper sends a request to its pod. If the pod refuses the connection and
// Retry is on, it sends the request to another pod.
type roundTripper struct {
	transport *http.Transport
	front     *Front
}

// RoundTrip implements http.RoundTripper.
func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	retry := t.front.retry.Load()
	if retry && r.Body != nil && r.Body != http.NoBody {
		// A refused connection closes the request's body unread.
		r.Body = io.NopCloser(r.Body)
	}
	resp, err := t.transport.RoundTrip(r)
	for _, other := range addresses(r)[1:] {
		if !retry || !errors.Is(err, syscall.ECONNREFUSED) {
			break
		}
		r = r.Clone(r.Context())
		r.URL.Host = other
		resp, err = t.transport.RoundTrip(r)
	}
	return resp, err
}
