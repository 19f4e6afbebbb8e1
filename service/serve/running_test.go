package serve

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRunningReleaseIsTheHashOfThisExecutable(t *testing.T) {
	t.Parallel()
	path, err := os.Executable()
	require.NoError(t, err)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	sum := sha256.Sum256(b)
	id, err := RunningRelease()
	require.NoError(t, err)
	assert.Equal(t, hex.EncodeToString(sum[:]), id)
	_, err = fileHash("/nowhere")
	require.Error(t, err)
}
