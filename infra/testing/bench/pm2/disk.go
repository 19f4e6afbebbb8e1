package pm2

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
)

// diskUse returns the disk use of the files below a folder, in bytes. Like du,
// it counts a file with several names once.
func diskUse(folder string) (int64, error) {
	type file struct{ device, inode uint64 }
	seen := map[file]bool{}
	var sum int64
	err := filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return fmt.Errorf("%s: no file status", info.Name())
		}
		id := file{stat.Dev, stat.Ino}
		if !seen[id] {
			seen[id] = true
			sum += stat.Blocks * 512
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("measuring %s: %w", folder, err)
	}
	return sum, nil
}
