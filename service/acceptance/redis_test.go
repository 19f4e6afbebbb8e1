package acceptance

import (
	"fmt"
	"net"
	"strconv"
	"testing"
)

// startRedis runs Debian's Redis on the port, without persistence.
func startRedis(t *testing.T, port int) *process {
	t.Helper()
	program := requireProgram(t, "redis-server", "redis-server")
	p := launch(t, program, []string{
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", socketDir(t),
	}, nil, nil)
	await(t, func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return false
		}
		return c.Close() == nil
	}, "%s", p.output())
	return p
}
