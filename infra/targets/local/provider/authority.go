package provider

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"escala/infra/targets/local/pebble"
	"escala/infra/targets/local/podman"
)

// Authority is a certificate authority for the machines: Pebble in a container in
// their network. Its state also has the stack's seed of keys, as in a cloud.
type Authority struct{}

// AuthorityArgs are an Authority's inputs.
type AuthorityArgs struct {
	// Program is the path of the authority's program, relative to the state folder.
	Program string `pulumi:"program"`
}

// AuthorityState is an Authority's state.
type AuthorityState struct {
	AuthorityArgs
	// Folder is the authority's folder, relative to the state folder. Its roots.pem
	// has the roots that the service's users trust. Its file target has the machine
	// that all names lead to.
	Folder string `pulumi:"folder"`
	// Directory is the URL of the ACME directory, for machines. CA is the root of
	// that URL's own certificate, in PEM.
	Directory string `pulumi:"directory"`
	CA        string `pulumi:"ca"`
	// Seed is 32 random bytes in hexadecimal.
	Seed string `pulumi:"seed" provider:"secret"`
	// Running is false if Read did not find the container's process.
	Running bool `pulumi:"running"`
}

const (
	authoritiesFolder = "authorities"
	authorityPort     = 14000
)

// Create starts the authority.
func (*Authority) Create(ctx context.Context, req infer.CreateRequest[AuthorityArgs]) (infer.CreateResponse[AuthorityState], error) {
	id := uniqueName(req.Name)
	out := infer.CreateResponse[AuthorityState]{ID: id, Output: AuthorityState{AuthorityArgs: req.Inputs}}
	if req.DryRun {
		return out, nil
	}
	config := infer.GetConfig[Config](ctx)
	unlock, err := podman.Lock(ctx, config.path("network.lock"))
	if err != nil {
		return out, err
	}
	defer unlock()
	out.Output.Folder = filepath.Join(authoritiesFolder, id)
	folder := config.path(out.Output.Folder)
	created := false
	defer func() {
		if !created {
			_ = os.RemoveAll(folder)
		}
	}()
	rootfs := filepath.Join(folder, "rootfs")
	files := filepath.Join(folder, "files")
	for _, path := range []string{rootfs, files} {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return out, fmt.Errorf("making the authority's folder: %w", err)
		}
	}
	program := filepath.Join(rootfs, "pebble")
	if err := install(config.path(req.Inputs.Program), program, filepath.Base(req.Inputs.Program)); err != nil {
		return out, fmt.Errorf("installing the authority: %w", err)
	}
	if err := os.Chmod(program, 0o755); err != nil {
		return out, fmt.Errorf("installing the authority: %w", err)
	}
	pod := config.podman()
	network, err := pod.EnsureNetwork(ctx)
	if err != nil {
		return out, err
	}
	if out.Output.CA, err = writeAPICertificate(filepath.Join(files, "api.pem"), network); err != nil {
		return out, err
	}
	ip, err := runAtFreeIP(ctx, pod, network, podman.Container{
		Name: id, RootFS: rootfs, Network: network.Name, OpenFiles: 1024,
		Writable: map[string]string{files: "/authority"},
		Command:  []string{"/pebble", "-listen", ":" + strconv.Itoa(authorityPort), "-folder", "/authority"},
	})
	if err != nil {
		return out, fmt.Errorf("starting the authority: %w", err)
	}
	created = true
	address := net.JoinHostPort(ip, strconv.Itoa(authorityPort))
	out.Output.Directory, out.Output.Running = "https://"+address+pebble.DirectoryPath, true
	seed := make([]byte, 32)
	_, _ = rand.Read(seed) // never fails, by its documentation
	out.Output.Seed = hex.EncodeToString(seed)
	return out, awaitListener(ctx, address)
}

// writeAPICertificate makes the certificate of the ACME service. It is for every
// address of the network, because the authority's own address is not known yet. It
// returns the certificate, which is its own root.
func writeAPICertificate(path string, network podman.Network) (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("making the key of the ACME service: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "escala local authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for ip := network.Subnet.Addr().Next(); network.Subnet.Contains(ip); ip = ip.Next() {
		template.IPAddresses = append(template.IPAddresses, ip.AsSlice())
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return "", fmt.Errorf("making the certificate of the ACME service: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("writing the key of the ACME service: %w", err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	both := slices.Concat(public, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	if err := os.WriteFile(path, both, 0o600); err != nil {
		return "", fmt.Errorf("writing the certificate of the ACME service: %w", err)
	}
	return string(public), nil
}

// Diff does not replace the authority for another program: a machine needs the
// account, the seed and the address, and none of them may change.
func (*Authority) Diff(_ context.Context, req infer.DiffRequest[AuthorityArgs, AuthorityState]) (infer.DiffResponse, error) {
	diff := map[string]p.PropertyDiff{}
	if !req.State.Running {
		diff["running"] = p.PropertyDiff{Kind: p.Update}
	}
	return infer.DiffResponse{HasChanges: len(diff) > 0, DetailedDiff: diff}, nil
}

// Update starts an authority that Read found stopped.
func (*Authority) Update(ctx context.Context, req infer.UpdateRequest[AuthorityArgs, AuthorityState]) (infer.UpdateResponse[AuthorityState], error) {
	out := infer.UpdateResponse[AuthorityState]{Output: req.State}
	if req.DryRun {
		return out, nil
	}
	if err := infer.GetConfig[Config](ctx).podman().Start(ctx, req.ID); err != nil {
		return out, fmt.Errorf("starting the authority again: %w", err)
	}
	out.Output.Running = true
	return out, nil
}

// Read checks the authority's process.
func (*Authority) Read(ctx context.Context, req infer.ReadRequest[AuthorityArgs, AuthorityState]) (infer.ReadResponse[AuthorityArgs, AuthorityState], error) {
	none := infer.ReadResponse[AuthorityArgs, AuthorityState]{}
	config := infer.GetConfig[Config](ctx)
	status, err := config.podman().Inspect(ctx, req.ID)
	if err != nil {
		return none, fmt.Errorf("looking at the authority: %w", err)
	}
	if _, err := os.Stat(config.path(req.State.Folder)); !status.Exists || errors.Is(err, os.ErrNotExist) {
		return none, nil
	}
	req.State.Running = status.Running
	return infer.ReadResponse[AuthorityArgs, AuthorityState]{ID: req.ID, Inputs: req.Inputs, State: req.State}, nil
}

// Delete stops the authority and removes it. Its roots are removed with it.
func (*Authority) Delete(ctx context.Context, req infer.DeleteRequest[AuthorityState]) (infer.DeleteResponse, error) {
	config := infer.GetConfig[Config](ctx)
	if err := config.podman().Remove(ctx, req.ID, 5*time.Second); err != nil {
		return infer.DeleteResponse{}, fmt.Errorf("ending the authority: %w", err)
	}
	return infer.DeleteResponse{}, sweep(ctx, config)
}

// pointNames makes all names of the authority in folder lead to a machine. If fresh is
// true, it does not change names that already lead to a machine.
func pointNames(folder, machine string, fresh bool) error {
	target := filepath.Join(folder, "files", "target")
	if _, err := os.Stat(target); fresh && err == nil {
		return nil
	}
	if err := replaceFile(target, net.JoinHostPort(machine, "80")+"\n"); err != nil {
		return fmt.Errorf("leading the names to the machine: %w", err)
	}
	return nil
}

// AuthorityRoots returns the path of the roots that users trust. folder is
// AuthorityState.Folder.
func AuthorityRoots(state, folder string) string {
	return Config{State: state}.path(folder, "files", "roots.pem")
}
