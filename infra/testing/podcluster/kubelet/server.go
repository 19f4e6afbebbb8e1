//go:build linux

package kubelet

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// kubeletPort is the port of a kubelet's own server.
const kubeletPort = 10250

// serve answers the API server, which forwards the logs of pods to clients.
func (k *Kubelet) serve(ctx context.Context) error {
	certificate, err := certificate(k.options.Address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.containerLogs)
	server := &http.Server{
		Addr: netip.AddrPortFrom(k.options.Address, kubeletPort).String(), Handler: mux, ReadHeaderTimeout: 10 * time.Second,
		TLSConfig:   &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.ListenAndServeTLS("", ""); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving as a kubelet: %w", err)
	}
	return nil
}

// certificate returns a self-signed certificate. An API server without a
// certificate authority for kubelets accepts any certificate.
func certificate(address netip.Addr) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making the kubelets' key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{address.AsSlice()},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 7),
	}
	content, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making the kubelets' certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{content}, PrivateKey: key}, nil
}

// containerLogs writes a container's log (kubelet/server/server.go,
// getContainerLogs).
func (k *Kubelet) containerLogs(w http.ResponseWriter, r *http.Request) {
	pod := k.worker(r.PathValue("namespace"), r.PathValue("pod"))
	if pod == nil {
		http.Error(w, fmt.Sprintf("pod %q does not exist", r.PathValue("pod")), http.StatusNotFound)
		return
	}
	i := slices.IndexFunc(pod.containers, func(c *container) bool { return c.spec.Name == r.PathValue("container") })
	if i < 0 {
		http.Error(w, fmt.Sprintf("container %q not found in pod %q", r.PathValue("container"), pod.pod.Name), http.StatusNotFound)
		return
	}
	logs, query := pod.containers[i].logs, r.URL.Query()
	var since time.Time
	if seconds, err := strconv.Atoi(query.Get("sinceSeconds")); err == nil {
		since = time.Now().Add(-time.Duration(seconds) * time.Second)
	}
	if at, err := time.Parse(time.RFC3339, query.Get("sinceTime")); err == nil {
		since = at
	}
	all := logs.lines(query.Get("previous") == "true")
	if tail, err := strconv.Atoi(query.Get("tailLines")); err == nil {
		all = all[max(0, len(all)-tail):]
	}
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/plain")
	for {
		for _, one := range all {
			if !one.at.After(since) {
				continue
			}
			since = one.at
			text := one.text
			if query.Get("timestamps") == "true" {
				text = one.at.UTC().Format(time.RFC3339Nano) + " " + text
			}
			if _, err := fmt.Fprintln(w, text); err != nil {
				return
			}
		}
		if err := out.Flush(); err != nil || query.Get("follow") != "true" {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
		all = logs.lines(false)
	}
}
