package memlimit

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSmallestLimitCounts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		membership string
		files      map[string]string
		want       int64
	}{
		{"v2 in a container", "0::/\n", map[string]string{"memory.max": "268435456\n"}, 268435456},
		{"v2, no limit", "0::/\n", map[string]string{"memory.max": "max\n"}, 0},
		{"v2, the parent is smaller", "0::/a/b\n", map[string]string{"a/memory.max": "100000000\n", "a/b/memory.max": "200000000\n"}, 100000000},
		{"v2, the root has no file", "0::/a\n", map[string]string{"a/memory.max": "200000000\n"}, 200000000},
		{"v1", "3:cpu,memory:/x\n2:cpuset:/\n", map[string]string{"memory/x/memory.limit_in_bytes": "300000000\n"}, 300000000},
		{"v1, no limit", "3:memory:/\n", map[string]string{"memory/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		{"nonsense", "what\n", nil, 0},
		{"a path that climbs", "0::/../../etc\n", map[string]string{"memory.max": "500000000\n"}, 500000000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			for path, content := range tt.files {
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(root, path), []byte(content), 0o600))
			}
			got, ok := smallest(root, []byte(tt.membership))
			assert.Equal(t, tt.want != 0, ok)
			if ok {
				assert.Equal(t, tt.want, got)
				assert.Equal(t, tt.want*9/10, Heap(got))
			}
		})
	}
}

func FuzzFiles(f *testing.F) {
	f.Add("0::/a\n1:memory:/b\n")
	f.Fuzz(func(t *testing.T, s string) {
		for _, path := range files("/root", []byte(s)) {
			if rel, err := filepath.Rel("/root", path); err != nil || !filepath.IsLocal(rel) {
				t.Fatalf("%q leads to %s", s, path)
			}
		}
	})
}
