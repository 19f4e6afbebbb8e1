package dodoks

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// minor returns the minor version: 36 for "1.36" and for "1.36.4-do.0".
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

// minorOf returns "1.36" for "1.36.4-do.0".
func minorOf(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

var numbers = regexp.MustCompile(`[0-9]+`)

// compare orders versions such as "1.36.4-do.0" by their numbers.
func compare(a, b string) int {
	return slices.CompareFunc(numbers.FindAllString(a, -1), numbers.FindAllString(b, -1), func(x, y string) int {
		// They contain only digits. A number that is too long is not Kubernetes'.
		n, _ := strconv.Atoi(x)
		m, _ := strconv.Atoi(y)
		return cmp.Compare(n, m)
	})
}

// newer reports whether version a is later than b. If b is a minor version, its
// patches are not later.
func newer(a, b string) bool {
	if strings.HasPrefix(a, b+".") {
		return false
	}
	return compare(a, b) > 0
}

// newest returns the latest of versions, or "".
func newest(versions []string) string {
	if len(versions) == 0 {
		return ""
	}
	return slices.MaxFunc(versions, compare)
}

// step reports whether a cluster must be upgraded from its running version to
// the wanted minor version. It returns an error if neither keeping nor
// upgrading is possible.
//
// A cluster of the wanted minor version stays as it is, because DigitalOcean
// upgrades patches in the maintenance window. Asking for a newer patch would
// replace nodes during the release of a service. A newer cluster stays, too:
// DigitalOcean upgrades by itself when a version reaches its end of life, and
// downgrades do not exist.
func step(running, wanted string) (upgrade bool, err error) {
	from, err := minor(running)
	if err != nil {
		return false, err
	}
	to, err := minor(wanted)
	if err != nil {
		return false, err
	}
	if to > from+1 {
		return false, fmt.Errorf("the cluster runs %s: the next is 1.%d, and then the one after it", running, from+1)
	}
	return to > from, nil
}
