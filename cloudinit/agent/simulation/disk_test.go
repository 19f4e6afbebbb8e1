package simulation

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sort"
	"strings"
	"syscall"
	"time"

	"escala/cloudinit/agent"
)

// inode is a file, a folder or a symbolic link.
type inode struct {
	folder  bool
	target  string
	data    []byte
	durable []byte // survives a power cut
	changed time.Time
}

// operation is a change of names that has not reached the disk.
type operation func(tree map[string]*inode)

// disk is a file system that behaves like ext4: changes of names keep their
// order, and a file's content is only safe after a sync. Below /run it is
// memory.
type disk struct {
	w       *world
	tree    map[string]*inode
	safe    map[string]*inode // survives a power cut
	pending []operation

	full, noInodes, readOnly bool
}

func newDisk(w *world) *disk {
	d := &disk{w: w, tree: map[string]*inode{}, safe: map[string]*inode{}}
	for _, name := range []string{"/", "/opt/escala", "/var/lib", "/run"} {
		d.tree[name] = &inode{folder: true}
		d.safe[name] = d.tree[name]
	}
	return d
}

func volatile(name string) bool { return strings.HasPrefix(name, "/run/") }

// change checks that name can be changed.
func (d *disk) change(name string, makes bool) error {
	if volatile(name) {
		return nil
	}
	switch {
	case d.readOnly:
		return &fs.PathError{Op: "write", Path: name, Err: syscall.EROFS}
	case makes && (d.full || d.noInodes):
		return &fs.PathError{Op: "write", Path: name, Err: syscall.ENOSPC}
	}
	return nil
}

func (d *disk) do(op operation) {
	op(d.tree)
	d.pending = append(d.pending, op)
}

// powerCut loses everything that was not synced: the last changes of names, and
// the ends of files.
func (d *disk) powerCut() {
	kept := d.w.rng.IntN(len(d.pending) + 1)
	for _, op := range d.pending[:kept] {
		op(d.safe)
	}
	d.pending = nil
	d.tree = map[string]*inode{}
	for _, name := range slices.Sorted(maps.Keys(d.safe)) { // each takes random numbers
		n := d.safe[name]
		if volatile(name) {
			delete(d.safe, name)
			continue
		}
		if !n.folder && n.target == "" && !bytes.Equal(n.data, n.durable) {
			whole := len(n.data)
			n.data = n.data[:d.w.rng.IntN(whole+1)]
			d.w.note("the disk keeps %d of %d bytes of %s", len(n.data), whole, name)
			n.durable = n.data
		}
		d.tree[name] = n
	}
}

// shutDown is an orderly reboot.
func (d *disk) shutDown() {
	d.syncAll()
	for name := range d.tree {
		if volatile(name) {
			delete(d.tree, name)
			delete(d.safe, name)
		}
	}
}

func (d *disk) syncAll() {
	for _, n := range d.tree {
		n.durable = n.data
	}
	d.commit()
}

func (d *disk) commit() {
	for _, op := range d.pending {
		op(d.safe)
	}
	d.pending = nil
}

// lifeDisk is the disk during one life of the agent.
type lifeDisk struct {
	*life
}

var _ agent.Disk = lifeDisk{}

type writer struct {
	l    *life
	name string
	n    *inode
}

func (f *writer) Write(p []byte) (int, error) {
	half := f.l.w.rng.IntN(len(p) + 1)
	if err := f.l.w.disk.change(f.name, true); err != nil {
		return 0, err
	}
	f.n.data = append(f.n.data[:len(f.n.data):len(f.n.data)], p[:half]...)
	f.l.call()
	if err := f.l.w.disk.change(f.name, true); err != nil {
		return half, err
	}
	f.n.data = append(f.n.data[:len(f.n.data):len(f.n.data)], p[half:]...)
	return len(p), nil
}

func (f *writer) Close() error { return nil }

func (d lifeDisk) Create(name string, _ fs.FileMode) (io.WriteCloser, error) {
	d.call()
	disk := d.w.disk
	if err := disk.change(name, true); err != nil {
		return nil, err
	}
	if disk.tree[path.Dir(name)] == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	n := &inode{changed: d.w.wall()}
	disk.do(func(tree map[string]*inode) { tree[name] = n })
	return &writer{d.life, name, n}, nil
}

func (d lifeDisk) Open(name string) (io.ReadCloser, error) {
	d.call()
	n := d.w.disk.tree[name]
	if n == nil || n.folder {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return io.NopCloser(bytes.NewReader(n.data)), nil
}

func (d lifeDisk) Sync(name string) error {
	d.call()
	if d.w.disk.readOnly && !volatile(name) {
		return nil
	}
	n := d.w.disk.tree[name]
	if n == nil {
		return &fs.PathError{Op: "sync", Path: name, Err: fs.ErrNotExist}
	}
	n.durable = n.data
	d.w.disk.commit()
	return nil
}

func (d lifeDisk) Rename(from, to string) error {
	d.call()
	defer d.after()
	disk := d.w.disk
	if err := disk.change(to, false); err != nil {
		return err
	}
	if disk.tree[from] == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	disk.do(func(tree map[string]*inode) {
		removeAll(tree, to)
		move := map[string]*inode{}
		for name, n := range tree {
			if name == from || strings.HasPrefix(name, from+"/") {
				move[to+name[len(from):]] = n
				delete(tree, name)
			}
		}
		for name, n := range move {
			tree[name] = n
		}
	})
	switch to {
	case agent.StatusFile:
		d.w.checkStatus(disk.tree[to].data)
	case replacedFile:
		d.w.replaces(disk.tree[to].data)
	case restartFile:
		d.w.checkRestart()
	case "/opt/escala/current":
		if d.w.traffic != nil {
			d.w.traffic.changes(d.w.currentID())
		}
	}
	return nil
}

func (d lifeDisk) Symlink(target, name string) error {
	d.call()
	disk := d.w.disk
	if err := disk.change(name, true); err != nil {
		return err
	}
	if disk.tree[name] != nil {
		return &fs.PathError{Op: "symlink", Path: name, Err: fs.ErrExist}
	}
	n := &inode{target: target}
	disk.do(func(tree map[string]*inode) { tree[name] = n })
	return nil
}

func (d lifeDisk) Readlink(name string) (string, error) {
	d.call()
	n := d.w.disk.tree[name]
	if n == nil || n.target == "" {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrNotExist}
	}
	return n.target, nil
}

func (d lifeDisk) Remove(name string) error {
	d.call()
	if d.w.tasks != nil {
		d.w.tasks.removed(name)
	}
	disk := d.w.disk
	if disk.tree[name] == nil {
		return nil
	}
	if err := disk.change(name, false); err != nil {
		return err
	}
	disk.do(func(tree map[string]*inode) { removeAll(tree, name) })
	return nil
}

func removeAll(tree map[string]*inode, name string) {
	for other := range tree {
		if other == name || strings.HasPrefix(other, name+"/") {
			delete(tree, other)
		}
	}
}

func (d lifeDisk) MakeFolder(name string) error {
	d.call()
	disk := d.w.disk
	if n := disk.tree[name]; n != nil && n.folder {
		return nil
	}
	if err := disk.change(name, true); err != nil {
		return err
	}
	n := &inode{folder: true, changed: d.w.wall()}
	disk.do(func(tree map[string]*inode) { tree[name] = n })
	return nil
}

func (d lifeDisk) List(name string) ([]agent.Entry, error) {
	d.call()
	var out []agent.Entry
	for other, n := range d.w.disk.tree {
		if path.Dir(other) == name && other != name {
			out = append(out, agent.Entry{Name: path.Base(other), Changed: n.changed})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

func (d lifeDisk) Touch(name string, when time.Time) error {
	d.call()
	n := d.w.disk.tree[name]
	if n == nil {
		return &fs.PathError{Op: "touch", Path: name, Err: fs.ErrNotExist}
	}
	if err := d.w.disk.change(name, false); err != nil {
		return err
	}
	n.changed = when
	return nil
}

func (d lifeDisk) Free(name string) (agent.Space, error) {
	d.call()
	s := agent.Space{Bytes: 1 << 30, Files: 1 << 20}
	if !volatile(name) {
		if d.w.disk.full {
			s.Bytes = 1 << 20
		}
		if d.w.disk.noInodes {
			s.Files = 0
		}
		s.ReadOnly = d.w.disk.readOnly
	}
	return s, nil
}
