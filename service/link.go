package service

import (
	"path"
	"path/filepath"
)

// LinkStays reports whether a symbolic link with a name in a release leads to a
// place in the release, whatever the other links there are. Its target goes up
// at its beginning only: ".." after a name goes up from where that name leads.
func LinkStays(name, target string) bool {
	return !path.IsAbs(target) && path.Clean(target) == target &&
		filepath.IsLocal(path.Join(path.Dir(name), target))
}
