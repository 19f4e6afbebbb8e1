package agent

import (
	"fmt"
	"path"
	"sort"

	"escala/service"
)

// prune removes all but the last Kept releases, ordered by the time of the last
// switch to them, and those that a schedule's run uses.
func (a *Agent) prune(current service.ReleaseID) error {
	entries, err := a.Disk.List(releasesFolder)
	if err != nil {
		return fmt.Errorf("looking for old releases: %w", err)
	}
	sort.SliceStable(entries, func(i, j int) bool { return entries[i].Changed.After(entries[j].Changed) })
	held, err := a.held()
	if err != nil {
		return err
	}
	kept := 1 // the current release stays, whatever its time is
	for _, e := range entries {
		id := service.ReleaseID(e.Name)
		if !id.Valid() || id == current {
			continue
		}
		if kept++; kept <= a.Config.Kept || held[id] {
			continue
		}
		if err := a.Disk.Remove(path.Join(releasesFolder, e.Name)); err != nil {
			return fmt.Errorf("removing release %s: %w", id.Short(), err)
		}
	}
	return nil
}
