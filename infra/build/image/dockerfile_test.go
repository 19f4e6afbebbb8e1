package image

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheDockerfileSaysTheSame checks that a container engine treats an image
// of the Dockerfile in the same way as an image of this package.
func TestTheDockerfileSaysTheSame(t *testing.T) {
	content, err := os.ReadFile("../../../Dockerfile")
	require.NoError(t, err)
	_, final, ok := strings.Cut(string(content), "\nFROM scratch\n")
	require.True(t, ok, "the Dockerfile's image is not on an empty base")
	says := func(instruction string) string {
		t.Helper()
		found := regexp.MustCompile(`(?m)^`+instruction+` (.*)$`).FindAllStringSubmatch(final, -1)
		require.Len(t, found, 1, instruction)
		return found[0][1]
	}
	list := func(s string) (words []string) {
		t.Helper()
		require.NoError(t, json.Unmarshal([]byte(s), &words), s)
		return words
	}

	a := args(t)
	config := a.config(map[string]string{Title: a.Name})
	assert.Equal(t, config.User, says("USER"))
	assert.Equal(t, config.Entrypoint, list(says("ENTRYPOINT")))
	assert.Equal(t, config.Cmd, list(says("CMD")))
	assert.Equal(t, config.Env, []string{says("ENV")})
	assert.Equal(t, config.StopSignal, says("STOPSIGNAL"))
	assert.Contains(t, config.ExposedPorts, says("EXPOSE")+"/tcp")
	assert.Contains(t, final, "COPY --from=build /out/api "+BinaryPath+"\n")

	options, command, ok := strings.Cut(says("HEALTHCHECK"), " CMD ")
	require.True(t, ok)
	assert.Equal(t, config.Healthcheck.Test, append([]string{"CMD"}, list(command)...))
	for option, want := range map[string]time.Duration{
		"interval": config.Healthcheck.Interval, "timeout": config.Healthcheck.Timeout, "start-period": config.Healthcheck.StartPeriod,
	} {
		assert.Contains(t, options, "--"+option+"="+want.String())
	}

	// Both have the same users, and the same folder for files that the service
	// never writes.
	for _, file := range []string{usersFile, groupsFile} {
		assert.Contains(t, string(content), "printf '"+strings.ReplaceAll(file, "\n", `\n`)+"'")
	}
	assert.Contains(t, string(content), "mkdir -m 1777 /base/tmp")
}
