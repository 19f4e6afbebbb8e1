package pm2

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMachineFiguresAreRead(t *testing.T) {
	t.Parallel()
	m, err := parseMachine("1000000012.5 2500000000 1048576 2048\n", time.Unix(1000000000, 0))
	require.NoError(t, err)
	assert.Equal(t, machineFigures{seconds: 12.5, cpu: 2.5, fetched: 1 << 20, disk: 2 << 20}, m)
	_, err = parseMachine("1 2 3", time.Now())
	require.Error(t, err)
}

func TestDiskUseCountsALinkedFileOnce(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	empty, err := diskUse(folder)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(folder+"/a", make([]byte, 1<<20), 0o600))
	one, err := diskUse(folder)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, one-empty, int64(1<<20))
	require.NoError(t, os.Link(folder+"/a", folder+"/b"))
	both, err := diskUse(folder)
	require.NoError(t, err)
	assert.Equal(t, one, both)
}
