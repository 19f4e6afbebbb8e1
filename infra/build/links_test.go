package build

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatIsLinkedOnceIsFoundAgain(t *testing.T) {
	t.Parallel()
	linux := Platform{OS: "linux", Arch: "amd64"}
	root := module(t, hello)
	state := filepath.Join(root, ".state")
	first, err := Program(t.Context(), root, state, ".", linux)
	require.NoError(t, err)
	marked := append([]byte("marked "), first.ID...)
	require.NoError(t, os.WriteFile(first.Path, marked, 0o700))
	again, err := Program(t.Context(), root, state, ".", linux)
	require.NoError(t, err)
	assert.Equal(t, int64(len(marked)), again.Size, "it is not linked anew")
	assert.Equal(t, first.Path, again.Path)

	t.Log("another source, another platform, or a binary that is gone is linked")
	require.NoError(t, os.WriteFile(filepath.Join(root, "main.go"), []byte(strings.Replace(hello, "hello", "hallo", 1)), 0o600))
	other, err := Program(t.Context(), root, state, ".", linux)
	require.NoError(t, err)
	assert.NotEqual(t, first.ID, other.ID)
	arm, err := Program(t.Context(), root, state, ".", Platform{OS: "linux", Arch: "arm64"})
	require.NoError(t, err)
	assert.NotEqual(t, other.ID, arm.ID)
	require.NoError(t, os.WriteFile(filepath.Join(root, "main.go"), []byte(hello), 0o600))
	require.NoError(t, os.Remove(first.Path))
	again, err = Program(t.Context(), root, state, ".", linux)
	require.NoError(t, err)
	assert.Equal(t, first, again)

	t.Log("links to builds that are gone are removed")
	require.NoError(t, os.Remove(other.Path))
	require.NoError(t, os.Remove(again.Path))
	_, err = Program(t.Context(), root, state, ".", linux)
	require.NoError(t, err)
	left, err := os.ReadDir(filepath.Join(state, "build", "links"))
	require.NoError(t, err)
	assert.Len(t, left, 2)
}

func TestProgress(t *testing.T) {
	t.Parallel()
	var n packageNames
	for _, text := range []string{"internal/a", "bi\n", "# m\n./main.go:3:15: undefined: x\n\thave (int)\nnet/http\n", "m"} {
		_, err := n.Write([]byte(text))
		require.NoError(t, err)
	}
	compiled, last := n.state()
	assert.Equal(t, 2, compiled)
	assert.Equal(t, "net/http", last)

	p := Progress{Package: "./service/cmd/api", Platform: Platform{OS: "linux", Arch: "arm64"}, Compiled: 57, Last: "net/http", Elapsed: 25100 * time.Millisecond}
	assert.Equal(t, "compiling ./service/cmd/api for linux/arm64: 57 packages, now net/http (25s)", p.String())
	p.Total = 412
	assert.Equal(t, "compiling ./service/cmd/api for linux/arm64: 57 of 412 packages, now net/http (25s)", p.String())
	assert.False(t, bytes.ContainsRune([]byte(p.String()), '\n'))
}
