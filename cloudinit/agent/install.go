package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"escala/service"
	"escala/service/machine"
)

// binary returns the path of a release's binary.
func (a *Agent) binary(id service.ReleaseID) string {
	return path.Join(releasesFolder, string(id), a.Config.Name)
}

// install fetches the wanted release, runs its preflight and switches to it.
func (a *Agent) install(ctx context.Context) {
	if a.prepared != a.wanted {
		if err := a.fetch(ctx); err != nil {
			a.failing(releasesFolder, err)
			return
		}
		if !a.try(ctx) {
			return
		}
	}
	// Without a command, this round rolls to the release.
	a.prepared = service.Wanted{}
	ready, err := a.prepare(ctx)
	switch {
	case err != nil:
		a.failing(stateFolder, err)
		return
	case !ready:
		if a.phase != machine.Refused {
			a.prepared = a.wanted
		}
		return
	}
	if a.wanted.Command != "" {
		// The disk may have changed while the command ran.
		if _, err := a.verify(a.wanted.Release); err != nil {
			a.failing(releasesFolder, fmt.Errorf("rolling to release %s: %w", a.wanted.Short(), err))
			return
		}
	}
	next := roll{To: a.wanted.ID, From: a.servedBefore(), RequestedAt: a.wanted.RequestedAt}
	next.Bake = a.plannedBake(ctx, next)
	if err := a.remember(rollFile, next); err != nil {
		a.failing(stateFolder, err)
		return
	}
	if err := a.switchTo(a.wanted.ID); err != nil {
		a.failing(releasesFolder, err)
		return
	}
	a.Log.Info("rolling", "release", a.wanted.Short())
}

// try runs the preflight of the wanted release, and reports whether it passed.
func (a *Agent) try(ctx context.Context) bool {
	a.phase, a.reason = machine.Rolling, "trying "+a.wanted.ID.Describe()
	a.publish(ctx)
	// A secret may have a new value by now, and this roll starts every worker.
	if a.Secrets != nil {
		if err := a.Secrets.Read(ctx); err != nil {
			a.failing(stateFolder, err)
			return false
		}
	}
	fault, err := a.preflight(ctx)
	if err != nil {
		a.failing(stateFolder, err)
		return false
	}
	if fault != nil {
		a.refuse(refusal{
			Release: a.wanted.ID, RequestedAt: a.wanted.RequestedAt, Output: fault.output,
			Reason: fmt.Sprintf("release %s fails its preflight: %s", a.wanted.Short(), fault.reason),
		})
		return false
	}
	return true
}

// servedBefore returns the release to which a roll may go back, or "". A machine's
// first release may have been refused, so it does not count.
func (a *Agent) servedBefore() service.ReleaseID {
	current := a.current()
	if a.refusal.Release == current && a.watched.served != current {
		return ""
	}
	return current
}

// diskMargin is the space that must stay free on the disk beside a release, in
// bytes.
const diskMargin = 16 << 20

// fetch puts the wanted release beside the others. A single rename creates its
// folder, so an existing release is complete. It is still verified, because a crash
// may lose the last writes to the disk.
func (a *Agent) fetch(ctx context.Context) error {
	d, id := a.Disk, a.wanted.ID
	if _, err := a.verify(a.wanted.Release); err == nil {
		return nil
	}
	folder, part := path.Join(releasesFolder, string(id)), path.Join(releasesFolder, ".fetch")
	if err := errors.Join(d.Remove(part), d.Remove(folder)); err != nil {
		return fmt.Errorf("making room for release %s: %w", id.Short(), err)
	}
	space, err := d.Free(releasesFolder)
	if err != nil {
		return fmt.Errorf("asking for the free space of %s: %w", releasesFolder, err)
	}
	if need := uint64(a.wanted.Size) + diskMargin; space.Bytes < need {
		return fmt.Errorf("the disk has %d MiB free, release %s needs %d MiB: free some or take a larger disk", space.Bytes>>20, id.Short(), need>>20)
	}
	if err := d.MakeFolder(part); err != nil {
		return fmt.Errorf("fetching release %s: %w", id.Short(), err)
	}
	file := path.Join(part, a.Config.Name)
	var begins head
	if err := fill(d, file, 0o755, func(w io.Writer) error {
		return a.Store.Copy(ctx, io.MultiWriter(w, &begins), a.wanted.Release)
	}); err != nil {
		return err
	}
	if err := a.verifyFile(file, a.wanted.Release); err != nil {
		return fmt.Errorf("release %s is damaged: %w", id.Short(), err)
	}
	if begins.isArchive() {
		packed := path.Join(part, archiveName)
		err := d.Rename(file, packed)
		if err == nil {
			file, err = packed, unpack(d, part)
		}
		if err != nil {
			return fmt.Errorf("installing release %s: %w", id.Short(), err)
		}
	}
	for _, step := range []func() error{
		func() error { return d.Sync(file) },
		func() error { return d.Sync(part) },
		func() error { return d.Rename(part, folder) },
		func() error { return d.Sync(releasesFolder) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("installing release %s: %w", id.Short(), err)
		}
	}
	return nil
}

// verify checks the release on the disk. It returns what the release is started
// from: its binary, or the folder of its files.
func (a *Agent) verify(release service.Release) (program string, err error) {
	binary := a.binary(release.ID)
	if err := a.verifyFile(binary, release); !errors.Is(err, errAbsent) {
		return binary, err
	}
	folder := path.Join(releasesFolder, string(release.ID))
	if err := a.verifyFile(path.Join(folder, archiveName), release); err != nil {
		return "", err
	}
	return path.Join(folder, FilesFolder), a.verifyFiles(folder)
}

// errAbsent means that a release's file does not exist.
var errAbsent = errors.New("it is not there")

// verifyFile compares a file with a release's SHA-256, and with its size if
// that is known.
func (a *Agent) verifyFile(name string, release service.Release) error {
	r, err := a.Disk.Open(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return errAbsent
		}
		return err
	}
	defer r.Close()
	read, err := service.ReadRelease(r)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if release.Size > 0 && read.Size != release.Size {
		return fmt.Errorf("it has %d bytes, not %d", read.Size, release.Size)
	}
	if read.ID != release.ID {
		return fmt.Errorf("its SHA-256 is %s…", read.Short())
	}
	return nil
}
