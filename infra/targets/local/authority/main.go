// Command authority is the local target's certificate authority: Pebble, in a
// container beside the machines. All names lead to the machine whose address is in
// a file, as if DNS records with the stack's address existed.
//
// Its folder has these files:
//
//	target     the machine's host:port; other programs write it
//	api.pem    certificate and key of the ACME service itself, made once
//	roots.pem  the roots of the certificates that it issues, the newest first
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"escala/infra/targets/local/pebble"
)

func main() {
	listen := flag.String("listen", ":14000", "address to listen on")
	folder := flag.String("folder", "/authority", "folder of the authority's files")
	lifetime := flag.Duration("lifetime", 0, "lifetime of certificates; default 90 days")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, *listen, *folder, *lifetime)
	stop()
	if err != nil {
		slog.Error("authority ends", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, listen, folder string, lifetime time.Duration) error {
	authority, err := pebble.New(pebble.Options{
		Lifetime: lifetime, Log: os.Stdout,
		Resolve: func(string) netip.Addr { return target(filepath.Join(folder, "target")) },
	})
	if err != nil {
		return err
	}
	defer func() { _ = authority.Close() }()
	root, err := authority.Root()
	if err != nil {
		return err
	}
	if err := keepRoot(filepath.Join(folder, "roots.pem"), root); err != nil {
		return err
	}
	certificate, err := tls.LoadX509KeyPair(filepath.Join(folder, "api.pem"), filepath.Join(folder, "api.pem"))
	if err != nil {
		return fmt.Errorf("reading the certificate of the ACME service: %w", err)
	}
	server := &http.Server{
		Addr: listen, Handler: authority,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: time.Minute,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.ListenAndServeTLS("", ""); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving ACME: %w", err)
	}
	return nil
}

// target returns the machine's address from the file, or an invalid address.
func target(path string) netip.Addr {
	content, err := os.ReadFile(path)
	if err != nil {
		return netip.Addr{}
	}
	to, err := netip.ParseAddrPort(strings.TrimSpace(string(content)))
	if err != nil {
		return netip.Addr{}
	}
	return to.Addr()
}

// keptRoots is the number of roots in the file. Each start of the authority makes a
// new root, and certificates of earlier roots continue to serve.
const keptRoots = 5

// keepRoot adds a root before the roots of earlier starts.
func keepRoot(path string, root []byte) error {
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("reading the authority's earlier roots: %w", err)
	}
	const end = "-----END CERTIFICATE-----\n"
	all := strings.SplitAfterN(string(root)+string(before), end, keptRoots+1)
	if len(all) > keptRoots {
		all = all[:keptRoots]
	}
	if err := os.WriteFile(path+".new", []byte(strings.Join(all, "")), 0o644); err != nil {
		return fmt.Errorf("writing the authority's roots: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("writing the authority's roots: %w", err)
	}
	return nil
}
