package listen

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// socketMode is the default mode of a socket. The owner and the group, such as
// the operator's, may connect. A proxy of another group needs LISTEN_MODE or
// LISTEN_GROUP.
const socketMode = 0o660

// openUnix listens on a Unix socket and replaces the socket of a dead process.
func openUnix(ctx context.Context, a Address) (*Listener, error) {
	if err := removeStale(ctx, a.Path); err != nil {
		return nil, fmt.Errorf("listening on %s: %w", a, err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", a.Path)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", a, err)
	}
	// By default, Go removes any file at the path on Close.
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	file, err := os.Lstat(a.Path)
	if err == nil {
		err = admit(a)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listening on %s: %w", a, err), l.Close())
	}
	return &Listener{Listener: l, address: a, file: file}, nil
}

// admit sets the group and mode of the socket's file.
func admit(a Address) error {
	if a.Group != "" {
		id, err := strconv.Atoi(a.Group)
		if err != nil {
			g, err := user.LookupGroup(a.Group)
			if err != nil {
				return err
			}
			if id, err = strconv.Atoi(g.Gid); err != nil {
				return fmt.Errorf("group %s has no number: %w", a.Group, err)
			}
		}
		if err := os.Chown(a.Path, -1, id); err != nil {
			return fmt.Errorf("giving the socket to group %s (the process has to be a member of it): %w", a.Group, err)
		}
	}
	mode := a.Mode
	if mode == 0 {
		mode = socketMode
	}
	return os.Chmod(a.Path, mode)
}

// removeStale removes the file of a socket on which no process listens. It
// returns an error for a file that is not a socket, and for a socket that a
// running process answers.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s exists and is not a socket; remove it or choose another path", path)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err == nil {
		return errors.Join(fmt.Errorf("%s is in use by another process", path), conn.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("asking whether %s is in use: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the stale socket: %w", err)
	}
	return nil
}

// unlink removes the socket's file if it still belongs to this listener.
func (l *Listener) unlink() error {
	if l.file == nil {
		return nil
	}
	now, err := os.Lstat(l.address.Path)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && !os.SameFile(now, l.file)) {
		return nil
	}
	if err == nil {
		err = os.Remove(l.address.Path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing socket %s: %w", l.address.Path, err)
	}
	return nil
}

// Close stops listening at once. It is for listeners whose clients retry;
// Retire is for all others.
func (l *Listener) Close() error {
	return errors.Join(l.unlink(), l.Listener.Close())
}
