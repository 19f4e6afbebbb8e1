package pm2

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStatIsReadBehindTheName(t *testing.T) {
	t.Parallel()
	p, err := parseStat("42 (a) b (c) S 7 42 42 0 -1 4194304 1 2 3 4 150 50 9 9 20 0 1 0 100 1 1\n")
	require.NoError(t, err)
	assert.Equal(t, process{pid: 42, parent: 7, cpu: 2 * time.Second}, p)
	for _, bad := range []string{"", "42", "42 (x", "42 (x) S", "42 (x) S a b c d e f g h i j k l m"} {
		_, err := parseStat(bad)
		require.Error(t, err, "%q", bad)
	}
}

func TestTreeIsAllThatDescends(t *testing.T) {
	t.Parallel()
	all := []process{{pid: 1}, {pid: 10, parent: 1}, {pid: 11, parent: 10}, {pid: 12, parent: 11}, {pid: 20, parent: 1}, {pid: 30, parent: 1}}
	ids := func(found []process) (ids []int) {
		for _, p := range found {
			ids = append(ids, p.pid)
		}
		return ids
	}
	assert.Equal(t, []int{10, 11, 12, 20}, ids(tree(all, 10, 20)))
	assert.Equal(t, []int{10, 11, 12}, ids(tree(all, 10, 11)), "each once")
	assert.Empty(t, tree(all, 99))
	assert.Equal(t, []int{10, 20, 30}, childrenOf(all, 1))
}

func TestPSSIsRead(t *testing.T) {
	t.Parallel()
	n, err := parsePSS([]byte("55d0-7ffe ---p 0 00:00 0 [rollup]\nRss:   9000 kB\nPss:             1234 kB\nPss_Dirty: 1 kB\n"))
	require.NoError(t, err)
	assert.Equal(t, int64(1234*1024), n)
	_, err = parsePSS([]byte("Rss: 1 kB\n"))
	require.Error(t, err)
}

func TestProcessesThatAreGoneAreAnError(t *testing.T) {
	t.Parallel()
	_, err := cpuOf(1 << 30)
	require.Error(t, err)
	_, err = pssOf(1 << 30)
	require.Error(t, err)
	mine, err := pssOf(os.Getpid())
	require.NoError(t, err)
	assert.Greater(t, mine, int64(1<<20))
}

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
