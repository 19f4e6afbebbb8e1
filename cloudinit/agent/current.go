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
	id, err := currentOf(a.Disk)
	if err != nil {
		a.Log.Warn("reading the current release", "error", err)
	}
	return id
}

// currentOf returns the release to which the symlink leads; "" for none.
func currentOf(d Disk) (service.ReleaseID, error) {
	target, err := d.Readlink(currentLink)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if id := service.ReleaseID(path.Base(target)); id.Valid() {
		return id, nil
	}
	return "", nil
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
