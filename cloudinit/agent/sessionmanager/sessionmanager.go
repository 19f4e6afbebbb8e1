// Package sessionmanager installs the agent of AWS Session Manager, which
// Debian does not package. Nothing of the package runs before Amazon's signature
// of it is verified.
package sessionmanager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	// maxPackage is several times the package's size, which was about 25 MB in
	// 2024. maxSignature is the same for a signature.
	maxPackage   = 256 << 20
	maxSignature = 64 << 10
	// downloadTimeout is the time limit of one download.
	downloadTimeout = 10 * time.Minute
	// verifyTimeout is the time limit of a verification.
	verifyTimeout = time.Minute
)

// Installer installs Amazon's package. All fields are required.
type Installer struct {
	// URL is the address of the package. Its signature is at URL + ".sig"
	// ("Verifying the signature of SSM Agent").
	URL string
	// Folder is a folder that only root can read. It must not exist: Install
	// makes and removes it.
	Folder string
	// Keyring has the public keys that may sign the package, as gpgv reads them.
	Keyring []byte
	// Client downloads both files.
	Client *http.Client
	// Apt installs the package at a path.
	Apt func(ctx context.Context, path string) error
}

// New returns the installer of the package at url, with Amazon's keys and
// apt-get.
func New(url, folder string) (Installer, error) {
	keyring, err := Keyring()
	return Installer{URL: url, Folder: folder, Keyring: keyring, Client: &http.Client{Timeout: downloadTimeout}, Apt: aptInstall}, err
}

// Install downloads the package, verifies it and installs it.
func (i Installer) Install(ctx context.Context) error {
	// The files of an interrupted run were not verified.
	if err := os.RemoveAll(i.Folder); err != nil {
		return fmt.Errorf("clearing the folder of the package: %w", err)
	}
	if err := os.MkdirAll(i.Folder, 0o700); err != nil {
		return fmt.Errorf("making the folder of the package: %w", err)
	}
	defer os.RemoveAll(i.Folder)
	pkg, signature := filepath.Join(i.Folder, "amazon-ssm-agent.deb"), filepath.Join(i.Folder, "amazon-ssm-agent.deb.sig")
	if err := i.download(ctx, i.URL, pkg, maxPackage); err != nil {
		return fmt.Errorf("downloading the package: %w", err)
	}
	if err := i.download(ctx, i.URL+".sig", signature, maxSignature); err != nil {
		return fmt.Errorf("downloading the package's signature: %w", err)
	}
	if err := i.verify(ctx, pkg, signature); err != nil {
		return fmt.Errorf("verifying that %s is Amazon's: %w", i.URL, err)
	}
	if err := i.Apt(ctx, pkg); err != nil {
		return fmt.Errorf("installing the package: %w", err)
	}
	return nil
}

// download writes what a URL answers to a file, if it has at most limit bytes.
func (i Installer) download(ctx context.Context, url, path string, limit int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := i.Client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(resp.Body, limit+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if n > limit {
		return fmt.Errorf("%s has more than %d bytes", url, limit)
	}
	return nil
}

// verify checks the signature with gpgv, which apt needs and every Debian has.
// gpgv succeeds only for a signature by a key of its keyring. A signature of
// the time when the key was valid stays good after the key has expired.
func (i Installer) verify(ctx context.Context, pkg, signature string) error {
	ring := filepath.Join(i.Folder, "keyring.gpg")
	if err := os.WriteFile(ring, i.Keyring, 0o600); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "gpgv", "--keyring", ring, signature, pkg)
	// gpgv looks for nothing in a home folder.
	cmd.Env = append(os.Environ(), "LC_ALL=C", "GNUPGHOME="+i.Folder)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// aptInstall installs a package and waits while others install.
func aptInstall(ctx context.Context, path string) error {
	cmd := exec.CommandContext(ctx, "apt-get", "--quiet", "--yes", "-o", "DPkg::Lock::Timeout=300", "install", path)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
