package agent

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"

	"escala/service"
)

// A release is one file, the program, or a tar archive with all its files. The
// archive stays beside them, because its SHA-256 is the release's id.
const (
	archiveName = "release.tar"
	// FilesFolder is the folder of the archive's files in a release's folder.
	FilesFolder = "files"
)

// Magic is the text that distinguishes a tar archive from a program, and its offset
// (POSIX.1-1988, ustar).
const (
	tarMagic  = "ustar"
	tarOffset = 257
)

// head holds the first bytes that are written to it.
type head struct{ content []byte }

func (h *head) Write(p []byte) (int, error) {
	h.content = append(h.content, p[:min(len(p), tarOffset+len(tarMagic)-len(h.content))]...)
	return len(p), nil
}

// isArchive reports whether a file that begins with these bytes is a tar archive.
func (h *head) isArchive() bool {
	return len(h.content) == tarOffset+len(tarMagic) && string(h.content[tarOffset:]) == tarMagic
}

// unpack unpacks the archive in a folder beside it, and flushes all files.
func unpack(d Disk, folder string) error {
	files := path.Join(folder, FilesFolder)
	if err := d.MakeFolder(files); err != nil {
		return err
	}
	folders := []string{files}
	err := walkArchive(d, path.Join(folder, archiveName), func(h *tar.Header, content io.Reader) error {
		name := path.Join(files, h.Name) //nolint:gosec // G305: walkArchive refuses what leads out
		switch h.Typeflag {
		case tar.TypeDir:
			folders = append(folders, name)
			return d.MakeFolder(name)
		case tar.TypeSymlink:
			return d.Symlink(h.Linkname, name)
		}
		if err := fill(d, name, fs.FileMode(h.Mode).Perm(), func(w io.Writer) error {
			_, err := io.Copy(w, content)
			return err
		}); err != nil {
			return err
		}
		return d.Sync(name)
	})
	for _, folder := range folders {
		err = errors.Join(err, d.Sync(folder))
	}
	return err
}

// verifyFiles compares the unpacked files with their archive.
func (a *Agent) verifyFiles(folder string) error {
	return walkArchive(a.Disk, path.Join(folder, archiveName), func(h *tar.Header, content io.Reader) error {
		name := path.Join(folder, FilesFolder, h.Name) //nolint:gosec // G305: walkArchive refuses what leads out
		switch h.Typeflag {
		case tar.TypeDir:
			return nil
		case tar.TypeSymlink:
			if target, err := a.Disk.Readlink(name); err != nil || target != h.Linkname {
				return fmt.Errorf("%s is not the link of the release", h.Name)
			}
			return nil
		}
		r, err := a.Disk.Open(name)
		if err != nil {
			return err
		}
		defer r.Close()
		same, err := equal(r, content)
		if err == nil && !same {
			err = fmt.Errorf("%s is not the file of the release", h.Name)
		}
		return err
	})
}

// walkArchive calls visit for each folder, file and link of an archive.
func walkArchive(d Disk, name string, visit func(*tar.Header, io.Reader) error) error {
	r, err := d.Open(name)
	if err != nil {
		return err
	}
	defer r.Close()
	links := map[string]bool{}
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the release's archive: %w", err)
		}
		switch h.Typeflag {
		case tar.TypeDir, tar.TypeReg, tar.TypeSymlink:
		default:
			return fmt.Errorf("the release's archive has %q, which is no folder, file or link", h.Name)
		}
		link := h.Typeflag == tar.TypeSymlink
		if !filepath.IsLocal(h.Name) || link && !service.LinkStays(h.Name, h.Linkname) {
			return fmt.Errorf("the release's archive has %q, which leads out of it", h.Name)
		}
		// A file below a link would be written to the link's target.
		for name := path.Clean(h.Name); name != "."; name = path.Dir(name) {
			if links[name] {
				return fmt.Errorf("the release's archive has %q, which is a link or below one already", h.Name)
			}
		}
		if link {
			links[path.Clean(h.Name)] = true
		}
		if err := visit(h, archive); err != nil {
			return err
		}
	}
}

// equal reports whether two readers have the same content.
func equal(x, y io.Reader) (bool, error) {
	a, b := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, errX := io.ReadFull(x, a)
		m, errY := io.ReadFull(y, b)
		if !bytes.Equal(a[:n], b[:m]) {
			return false, nil
		}
		endX, endY := ended(errX), ended(errY)
		switch {
		case errX != nil && !endX:
			return false, errX
		case errY != nil && !endY:
			return false, errY
		case endX || endY:
			return endX && endY, nil
		}
	}
}

func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
