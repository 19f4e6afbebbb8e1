package store

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

func TestFolderHoldsWhatAStoreNeeds(t *testing.T) {
	folder := t.TempDir()
	binary := []byte("the service")
	release := service.ReleaseOf(binary)
	require.NoError(t, os.Mkdir(filepath.Join(folder, "releases"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "current"), []byte(release.Pointer()), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "releases", string(release.ID)), binary, 0o644))
	s := open(t, Folder(folder))

	current, err := s.Current(t.Context())
	require.NoError(t, err)
	assert.Equal(t, service.Wanted{Release: release}, current)
	path := filepath.Join(t.TempDir(), "api")
	require.NoError(t, Fetch(t.Context(), s, release, path))

	_, err = Read(t.Context(), s, "status.json")
	require.ErrorIs(t, err, ErrNotFound)
	for _, said := range []string{"first", "second"} {
		require.NoError(t, s.Write(t.Context(), "status.json", []byte(said)))
		got, err := os.ReadFile(filepath.Join(folder, "machines", "i-0123456789abcdef0", "status.json"))
		require.NoError(t, err)
		assert.Equal(t, said, string(got))
	}
	_, err = Read(t.Context(), s, "certificates/example.com")
	require.ErrorIs(t, err, ErrNotFound)
}

func TestAFolderThatIsAwayIsUnreachable(t *testing.T) {
	away := filepath.Join(t.TempDir(), "mount")
	s := open(t, Folder(away))
	_, err := s.Current(t.Context())
	require.ErrorIs(t, err, ErrUnreachable)
	require.NotErrorIs(t, err, ErrNotFound)
	require.ErrorIs(t, s.Write(t.Context(), "status.json", nil), ErrUnreachable)
	_, err = os.Stat(away)
	require.ErrorIs(t, err, os.ErrNotExist, "nothing takes the place of what is not mounted")
}

func TestFolderReadsFilesOnly(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, syscall.Mkfifo(filepath.Join(folder, service.PointerKey), 0o644))
	_, err := open(t, Folder(folder)).Current(t.Context())
	require.ErrorIs(t, err, ErrCorrupt)
}

func TestFolderDoesNotFollowALinkOutOfIt(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "current")
	require.NoError(t, os.WriteFile(outside, []byte(service.ReleaseOf([]byte("x")).Pointer()), 0o644))
	folder := t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(folder, service.PointerKey)))
	_, err := open(t, Folder(folder)).Current(t.Context())
	require.Error(t, err)
}

func TestFolderSaysWhenItMayNot(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, service.PointerKey), nil, 0o000))
	_, err := open(t, Folder(folder)).Current(t.Context())
	require.ErrorIs(t, err, ErrDenied)
}
