//go:build unix && !linux

package server

// acknowledged reports that the number is not known: only Linux provides it.
func acknowledged(int) (uint64, bool) { return 0, false }
