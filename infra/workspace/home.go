package workspace

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
)

// EnvHome is the environment variable with the folder of escala's own files. It is
// for a program that is no longer beside them.
const EnvHome = "ESCALA_HOME"

// Home is the folder of escala's own files: a clone, from which the programs of a
// machine are built, or the folder of a release, which contains the built programs.
type Home struct {
	// Folder is absolute.
	Folder string
	// Built reports whether Folder is a release's.
	Built bool
}

// ProgramsFolder is the folder of a release's built programs in its Home.
const ProgramsFolder = "programs"

// IsClone reports whether a folder is a clone of escala.
func IsClone(folder string) bool {
	f, err := os.Open(filepath.Join(folder, "go.mod"))
	if err != nil {
		return false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if lines.Text() == "module "+module {
			return true
		}
	}
	return false
}

// module is the path of the clone's Go module.
const module = "escala"

// FindHome returns escala's own files for the project at root: the folder in
// EnvHome, the project itself if it is a clone, or the folder of the running
// program.
func FindHome(root string) (Home, error) {
	if folder := os.Getenv(EnvHome); folder != "" {
		if home, ok := homeAt(folder); ok {
			return home, nil
		}
		return Home{}, fmt.Errorf("%s=%s is neither a clone of escala nor the folder of a release", EnvHome, folder)
	}
	if home, ok := homeAt(root); ok && !home.Built {
		return home, nil
	}
	executable, err := os.Executable()
	if err == nil {
		executable, err = filepath.EvalSymlinks(executable)
	}
	if err != nil {
		return Home{}, fmt.Errorf("finding this program's folder: %w", err)
	}
	if home, ok := homeOf(executable); ok {
		return home, nil
	}
	return Home{}, fmt.Errorf("%s is neither in a clone of escala nor beside a release's folder %q: set %s to one of them", executable, ProgramsFolder, EnvHome)
}

// homeOf returns the home that a program belongs to. A clone has its programs in
// bin. A release has escala at the top.
func homeOf(executable string) (Home, bool) {
	folder := filepath.Dir(executable)
	if clone := filepath.Dir(folder); IsClone(clone) {
		return Home{Folder: clone}, true
	}
	return homeAt(folder)
}

func homeAt(folder string) (Home, bool) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return Home{}, false
	}
	if IsClone(folder) {
		return Home{Folder: folder}, true
	}
	if info, err := os.Stat(filepath.Join(folder, ProgramsFolder)); err == nil && info.IsDir() {
		return Home{Folder: folder, Built: true}, true
	}
	return Home{}, false
}
