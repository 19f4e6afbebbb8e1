//go:build unix && !linux

package server

// acknowledged reports that the count is not known: only Linux tells it.
func acknowledged(int) (uint64, bool) { return 0, false }
