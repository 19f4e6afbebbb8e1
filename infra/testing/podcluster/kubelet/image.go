//go:build linux

package kubelet

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"escala/infra/build/image"
)

// unpacked is an image whose files are unpacked in a folder.
type unpacked struct {
	root   string
	digest string
	config v1.Config
}

// images pulls each image once, as pods with the pull policy IfNotPresent do.
type images struct {
	folder string

	mu    sync.Mutex
	there map[string]unpacked
}

func newImages(folder string) *images { return &images{folder: folder, there: map[string]unpacked{}} }

// pull returns an image. logins are the contents of docker configurations.
func (i *images) pull(ctx context.Context, reference string, logins []string) (unpacked, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if found, ok := i.there[reference]; ok {
		return found, nil
	}
	ref, err := name.ParseReference(reference)
	if err != nil {
		return unpacked{}, fmt.Errorf("couldn't parse image name %q: %w", reference, err)
	}
	keychains := []authn.Keychain{}
	for _, login := range logins {
		keychain, err := image.DockerConfig(login)
		if err != nil {
			return unpacked{}, err
		}
		keychains = append(keychains, keychain)
	}
	img, err := remote.Image(ref, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.NewMultiKeychain(keychains...)),
		remote.WithPlatform(v1.Platform{OS: runtime.GOOS, Architecture: runtime.GOARCH}))
	if err != nil {
		return unpacked{}, fmt.Errorf("failed to pull and unpack image %q: %w", reference, err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		return unpacked{}, fmt.Errorf("reading the configuration of image %q: %w", reference, err)
	}
	digest, err := img.Digest()
	if err != nil {
		return unpacked{}, fmt.Errorf("reading image %q: %w", reference, err)
	}
	root := filepath.Join(i.folder, digest.Hex)
	files := mutate.Extract(img)
	err = errors.Join(unpack(files, root), files.Close())
	if err != nil {
		return unpacked{}, errors.Join(fmt.Errorf("unpacking image %q: %w", reference, err), os.RemoveAll(root))
	}
	found := unpacked{root: root, digest: digest.String(), config: file.Config}
	i.there[reference] = found
	return found, nil
}

// unpack writes the files of an archive below a folder, and none outside of it.
func unpack(archive io.Reader, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer root.Close()
	reader := tar.NewReader(archive)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := entry(root, header, reader); err != nil {
			return fmt.Errorf("%s: %w", header.Name, err)
		}
	}
}

func entry(root *os.Root, header *tar.Header, content io.Reader) error {
	path := strings.Trim(filepath.Clean("/"+header.Name), "/")
	if path == "" {
		return nil
	}
	if err := root.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(header.Mode) & fs.ModePerm
	if header.Mode&0o1000 != 0 {
		mode |= fs.ModeSticky
	}
	switch header.Typeflag {
	case tar.TypeDir:
		if err := root.MkdirAll(path, 0o755); err != nil {
			return err
		}
	case tar.TypeReg:
		f, err := root.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, content)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	case tar.TypeSymlink:
		return root.Symlink(header.Linkname, path)
	case tar.TypeLink:
		return root.Link(strings.Trim(filepath.Clean("/"+header.Linkname), "/"), path)
	default:
		return nil
	}
	if err := root.Chown(path, header.Uid, header.Gid); err != nil {
		return err
	}
	return root.Chmod(path, mode)
}

// user returns the user and group of an image, if the image gives them as numbers.
func user(of v1.Config) (uid, gid int, numeric bool) {
	if of.User == "" {
		return 0, 0, true
	}
	first, second, _ := strings.Cut(of.User, ":")
	uid, err := strconv.Atoi(first)
	if err != nil {
		return 0, 0, false
	}
	gid, _ = strconv.Atoi(second)
	return uid, gid, true
}
