package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"escala/service"
)

// current returns the release that a newly started worker runs; "" for none.
func (a *Agent) current() service.ReleaseID {
	target, err := a.Disk.Readlink(currentLink)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			a.Log.Warn("reading the current release", "error", err)
		}
		return ""
	}
	if id := service.ReleaseID(path.Base(target)); id.Valid() {
		return id
	}
	return ""
}

// switchTo makes id the release that newly started workers run.
func (a *Agent) switchTo(id service.ReleaseID) error {
	folder := path.Join(releasesFolder, string(id))
	part := path.Join(path.Dir(currentLink), ".current")
	err := a.Disk.Touch(folder, a.Clock.Now())
	if err == nil {
		err = a.Disk.Remove(part)
	}
	if err == nil {
		err = a.Disk.Symlink("releases/"+string(id), part)
	}
	if err == nil {
		err = a.Disk.Rename(part, currentLink)
	}
	if err == nil {
		err = a.Disk.Sync(path.Dir(currentLink))
	}
	if err != nil {
		return fmt.Errorf("switching to release %s: %w", id.Short(), err)
	}
	return nil
}
