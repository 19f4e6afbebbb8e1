package service

import (
	"path"
	"path/filepath"
)

// LinkStays reports whether a symbolic link in a release leads to a place inside
// the release, whatever other links the release has. A target may have ".." only
// at its beginning, because ".." after a name starts at the place to which that
// name leads.
func LinkStays(name, target string) bool {
	return !path.IsAbs(target) && path.Clean(target) == target &&
		filepath.IsLocal(path.Join(path.Dir(name), target))
}
