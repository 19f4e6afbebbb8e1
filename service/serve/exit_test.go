package serve

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"escala/service"
)

func TestExitStatus(t *testing.T) {
	t.Parallel()
	bad := service.Violations{{Path: "PORT", Problem: "is no number"}, {Path: "LISTEN", Problem: "is no address"}}
	for name, c := range map[string]struct {
		err     error
		status  int
		message string
	}{
		"success":           {nil, 0, ""},
		"failure":           {errors.New("the port is taken"), 1, "the port is taken\n"},
		"bad settings":      {fmt.Errorf("starting: %w", bad), 2, "bad configuration:\n" + bad.Error() + "\n"},
		"a flag that is no": {UsageError{errors.New("unknown flag: --x")}, 2, "unknown flag: --x\n"},
	} {
		var out bytes.Buffer
		assert.Equal(t, c.status, ExitStatus(&out, c.err), name)
		assert.Equal(t, c.message, out.String(), name)
	}
}
