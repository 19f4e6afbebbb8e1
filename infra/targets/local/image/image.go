// Package image builds the local machine's root file system: Debian 12 with systemd
// and cloud-init, like a cloud's own image. It is built once and stays in a folder.
package image

import (
	"bufio"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed build.sh
var buildScript string

//go:embed cloud.cfg
var cloudConfig string

// Digest identifies the image that Build makes. It changes with the recipe, but
// not with the contents of the package archive.
func Digest() string {
	sum := sha256.Sum256([]byte(buildScript + "\x00" + cloudConfig))
	return hex.EncodeToString(sum[:6])
}

// RootFS returns the folder of the image's root file system.
func RootFS(folder, digest string) string { return filepath.Join(folder, digest, "rootfs") }

// Exists reports whether the image exists. An image that exists is complete,
// because Build makes it appear by one rename.
func Exists(folder, digest string) bool {
	_, err := os.Stat(RootFS(folder, digest))
	return err == nil
}

// Build makes the image in folder, unless it exists. That takes about a minute.
// report gets each line of progress. The caller must not run two builds of a folder
// at the same time.
func Build(ctx context.Context, folder string, report func(string)) error {
	digest := Digest()
	if Exists(folder, digest) {
		return nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("making the folder of images: %w", err)
	}
	if err := sweep(folder); err != nil {
		return err
	}
	work, err := os.MkdirTemp(folder, ".build-")
	if err != nil {
		return fmt.Errorf("making a folder to build the image in: %w", err)
	}
	defer os.RemoveAll(work)
	if err := os.WriteFile(filepath.Join(work, "cloud.cfg"), []byte(cloudConfig), 0o644); err != nil {
		return fmt.Errorf("writing the image's cloud.cfg: %w", err)
	}
	// mmdebstrap mounts this computer's /dev, /proc and /sys below the folder. In a
	// mount namespace of its own, the mounts disappear with mmdebstrap, however it
	// ends.
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--propagation", "private", "sh", "-s")
	cmd.Stdin = strings.NewReader(buildScript)
	cmd.Dir = work
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return fmt.Errorf("building the image: %w", err)
	}
	cmd.Stdout = nil
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("building the image: %w", err)
	}
	var last []string
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		last = append(last[max(0, len(last)-9):], line)
		if said, ok := strings.CutPrefix(line, "I: "); ok {
			report("building the machine's image: " + said)
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("building the machine's image with mmdebstrap: %w:\n%s", err, strings.Join(last, "\n"))
	}
	if err := os.Chmod(work, 0o755); err != nil {
		return fmt.Errorf("finishing the image: %w", err)
	}
	if err := os.Rename(work, filepath.Join(folder, digest)); err != nil {
		return fmt.Errorf("finishing the image: %w", err)
	}
	return nil
}
