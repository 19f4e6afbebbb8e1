package build

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"escala/service"
)

// archiveTime is the time of everything in an archive. A real time would give
// the same content another SHA-256.
var archiveTime = time.Unix(0, 0).UTC()

// packed is a file of a release's archive.
type packed struct {
	// name is its path in the archive, path its path on this computer.
	name, path string
	info       fs.FileInfo
}

// writeArchive packs files: sorted, with one time and owner, so that the same
// content gives the same bytes on every computer.
func writeArchive(w io.Writer, files []packed) error {
	slices.SortFunc(files, func(a, b packed) int { return strings.Compare(a.name, b.name) })
	archive := tar.NewWriter(w)
	for i, f := range files {
		if i > 0 && files[i-1].name == f.name {
			continue
		}
		if err := f.write(archive); err != nil {
			return fmt.Errorf("packing %s: %w", f.name, err)
		}
	}
	return archive.Close()
}

func (f packed) write(archive *tar.Writer) error {
	h := &tar.Header{Name: f.name, ModTime: archiveTime, Mode: 0o644}
	// Of the permissions, only the owner's right to execute is packed. The others
	// may differ between computers.
	if f.info.Mode()&0o100 != 0 {
		h.Mode = 0o755
	}
	switch mode := f.info.Mode(); {
	case mode.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, f.name+"/"
		return archive.WriteHeader(h)
	case mode&fs.ModeSymlink != 0:
		target, err := os.Readlink(f.path)
		if err != nil {
			return err
		}
		if !service.LinkStays(f.name, target) {
			return fmt.Errorf("it is a link to %s, which is not in the release, or goes up after a name; make it a link such as ../lib/app.py, or leave it out of service.files", target)
		}
		h.Typeflag, h.Linkname = tar.TypeSymlink, target
		return archive.WriteHeader(h)
	case !mode.IsRegular():
		return errors.New("it is neither a file nor a folder")
	}
	h.Typeflag, h.Size = tar.TypeReg, f.info.Size()
	if err := archive.WriteHeader(h); err != nil {
		return err
	}
	r, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(archive, r)
	return err
}

// omitted reports whether an entry of a program's folder is no part of the program:
// a name that begins with a dot, Python's cache, and at the top of a project the
// files of Pulumi and escala.
func omitted(name string, top bool) bool {
	base := path.Base(name)
	if strings.HasPrefix(base, ".") || base == "__pycache__" {
		return true
	}
	return top && (slices.Contains([]string{"stacks", "Makefile", "escala.mk", "escala.sum"}, name) || strings.HasPrefix(name, "Pulumi."))
}

// collect returns the files of a program's folder, or only those with these names
// and those below them.
func (s Source) collect(folder string, names []string) ([]packed, error) {
	if len(names) == 0 {
		names = []string{"."}
	}
	top := filepath.Clean(folder) == filepath.Clean(s.Root)
	var files []packed
	for _, name := range names {
		err := filepath.WalkDir(filepath.Join(folder, name), func(file string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			relative, err := filepath.Rel(folder, file)
			if err != nil {
				return err
			}
			inArchive := filepath.ToSlash(relative)
			if inArchive == "." {
				return nil
			}
			// A file that is named explicitly is included.
			if inArchive != path.Clean(name) && omitted(inArchive, top) {
				if d.IsDir() {
					return filepath.SkipDir
				}
				return nil
			}
			info, err := d.Info()
			files = append(files, packed{inArchive, file, info})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("collecting the release's files: %w", err)
		}
		// The loop adds the folders above a named file.
		for parent := path.Dir(path.Clean(name)); parent != "."; parent = path.Dir(parent) {
			info, err := os.Stat(filepath.Join(folder, parent))
			if err != nil {
				return nil, fmt.Errorf("collecting the release's files: %w", err)
			}
			files = append(files, packed{parent, filepath.Join(folder, parent), info})
		}
	}
	return files, nil
}

// filesFolder returns the folder that the source's files are relative to.
func (s Source) filesFolder() string {
	switch {
	case s.Program.Folder != "":
		return s.path(s.Program.Folder)
	case s.Program.Binary != "":
		return s.Root
	default:
		return s.path(s.Program.Source)
	}
}

// archive packs the program, if it was built, with the release's files. The archive
// is in the state folder.
func (s Source) archive(state, program string) (Release, error) {
	files, err := s.collect(s.filesFolder(), s.Program.Files)
	if err != nil {
		return Release{}, err
	}
	if program != "" {
		info, err := os.Stat(program)
		if err != nil {
			return Release{}, fmt.Errorf("collecting the release's files: %w", err)
		}
		files = slices.DeleteFunc(files, func(f packed) bool { return f.name == s.Name })
		files = append(files, packed{s.Name, program, executableInfo{info}})
	}
	work, err := workFolder(state)
	if err != nil {
		return Release{}, err
	}
	defer os.RemoveAll(work)
	out := filepath.Join(work, "release.tar")
	w, err := os.Create(out)
	if err != nil {
		return Release{}, fmt.Errorf("packing the release: %w", err)
	}
	if err := errors.Join(writeArchive(w, files), w.Close()); err != nil {
		return Release{}, fmt.Errorf("packing the release: %w", err)
	}
	return store(out, state)
}

// executableInfo is a file that is a program, whatever its mode is.
type executableInfo struct{ fs.FileInfo }

func (e executableInfo) Mode() fs.FileMode { return e.FileInfo.Mode() | 0o111 }
