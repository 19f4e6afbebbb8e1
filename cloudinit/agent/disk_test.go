package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

// spaceDisk is a disk that only reports its space.
type spaceDisk struct {
	Disk
	space Space
	err   error
}

func (d spaceDisk) Free(string) (Space, error) { return d.space, d.err }

func TestDiskReason(t *testing.T) {
	some := Space{Bytes: 1 << 30, Files: 1000}
	for name, tt := range map[string]struct {
		err  error
		disk spaceDisk
		want string
	}{
		"something else":     {errors.New("no such host"), spaceDisk{space: some}, ""},
		"not there":          {fs.ErrNotExist, spaceDisk{space: some}, ""},
		"full":               {syscall.ENOSPC, spaceDisk{space: Space{Files: 10}}, "the disk of /x is full"},
		"no inodes":          {syscall.ENOSPC, spaceDisk{space: Space{Bytes: 1 << 30}}, "the file system of /x has no inodes left"},
		"a quota":            {syscall.EDQUOT, spaceDisk{space: some}, "the disk of /x is full"},
		"read-only":          {syscall.EROFS, spaceDisk{space: some}, "the file system of /x is read-only"},
		"mounted read-only":  {errors.New("permission denied"), spaceDisk{space: Space{Bytes: 1, Files: 1, ReadOnly: true}}, "the file system of /x is read-only"},
		"errors":             {syscall.EIO, spaceDisk{space: some}, "the disk of /x cannot be read or written"},
		"it cannot be asked": {syscall.ENOSPC, spaceDisk{err: syscall.EIO}, "the disk of /x is full"},
	} {
		t.Run(name, func(t *testing.T) {
			got := diskReason(tt.disk, "/x", fmt.Errorf("writing: %w", tt.err))
			if tt.want == "" {
				assert.Empty(t, got)
				return
			}
			assert.Contains(t, got, tt.want)
		})
	}
}
