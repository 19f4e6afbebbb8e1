package dodoks

import (
	"fmt"
	"strconv"
	"strings"
)

// minor is the minor version of a version: 36 of "1.36" and of "1.36.4-do.0".
func minor(version string) (int, error) {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 || parts[0] != "1" {
		return 0, fmt.Errorf("%q is not a version of Kubernetes", version)
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0, fmt.Errorf("%q is not a version of Kubernetes", version)
	}
	return n, nil
}

// step says what becomes of a cluster that runs a version when a minor version
// is wanted: it stays, or is upgraded, or neither is possible.
//
// A cluster of that minor version stays as it is: DigitalOcean upgrades its
// patches, in the maintenance window. A newer patch must not be asked for, or the
// release of a service would replace nodes, and never an older one: for the
// provider, that is another cluster in place of this one.
func step(running, wanted string) (upgrade bool, err error) {
	from, err := minor(running)
	if err != nil {
		return false, err
	}
	to, err := minor(wanted)
	if err != nil {
		return false, err
	}
	switch {
	case to == from:
		return false, nil
	case to < from:
		return false, fmt.Errorf("the cluster runs %s, and no cluster goes back", running)
	case to > from+1:
		return false, fmt.Errorf("the cluster runs %s: the next is 1.%d, and then the one after it", running, from+1)
	default:
		return true, nil
	}
}
