package pm2

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// Missing returns an error that lists what this computer lacks to run both
// stacks, or nil.
func Missing() error {
	var missing []error
	for _, need := range []struct{ program, pkg string }{
		{"nginx", "nginx"}, {"supervisord", "supervisor"}, {"curl", "curl"}, {"node", "nodejs"}, {"npm", "npm"},
	} {
		if _, err := exec.LookPath(need.program); err != nil {
			missing = append(missing, fmt.Errorf("there is no %s; on Debian: apt-get install %s", need.program, need.pkg))
		}
	}
	if os.Getuid() != 0 {
		missing = append(missing, errors.New("workers run as an account of their own: run this as root"))
	}
	return errors.Join(missing...)
}
