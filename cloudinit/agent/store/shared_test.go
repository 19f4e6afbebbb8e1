package store

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSharedIsAFolderOfItsOwn(t *testing.T) {
	t.Parallel()
	releases, shared := t.TempDir(), t.TempDir()
	s, err := Settings{Folder: releases, Shared: shared}.OpenShared(Access{})
	require.NoError(t, err)
	key := SharedPrefix + "0a/certificate"
	_, err = s.Read(t.Context(), key, 10)
	require.ErrorIs(t, err, ErrNotFound)
	require.NoError(t, s.Write(t.Context(), key, []byte("content")))
	got, err := s.Read(t.Context(), key, 10)
	require.NoError(t, err)
	assert.Equal(t, "content", string(got))
	_, err = s.Read(t.Context(), key, 6)
	require.ErrorIs(t, err, ErrCorrupt)
	assert.FileExists(t, filepath.Join(shared, key))
	entries, err := os.ReadDir(releases)
	require.NoError(t, err)
	assert.Empty(t, entries)
	for _, bad := range []string{"", "current", "releases/x", "certificates/", "certificates/../current", "machines/i/x", SharedPrefix + strings.Repeat("a", 300)} {
		require.Error(t, s.Write(t.Context(), bad, nil), bad)
		_, err := s.Read(t.Context(), bad, 10)
		require.Error(t, err, bad)
	}
	require.Error(t, s.Write(t.Context(), key, make([]byte, MaxObject+1)))
}

func TestSharedIsWhereMachinesWrite(t *testing.T) {
	t.Parallel()
	spaces, err := Settings{Spaces: &Spaces{Releases: "releases", Machines: "machines", Region: "fra1"}}.OpenShared(Access{})
	require.NoError(t, err)
	assert.Equal(t, "https://machines.fra1.digitaloceanspaces.com/certificates/a", spaces.objects.(Bucket).url("certificates/a"))
	s3, err := Settings{S3: &S3{Bucket: "b", Region: "eu-central-1"}}.OpenShared(Access{})
	require.NoError(t, err)
	assert.Equal(t, "https://b.s3.eu-central-1.amazonaws.com/certificates/a", s3.objects.(Bucket).url("certificates/a"))
	_, err = Settings{}.OpenShared(Access{})
	require.Error(t, err)
}

// TestOneMachineCreatesAnObject checks that only one of several machines that make
// one object at the same time succeeds.
func TestOneMachineCreatesAnObject(t *testing.T) {
	s, err := Settings{Folder: t.TempDir()}.OpenShared(Access{})
	require.NoError(t, err)
	const key = CommandsPrefix + "release/1"
	made := make(chan string, 20)
	var group sync.WaitGroup
	for n := range cap(made) {
		group.Go(func() {
			err := s.Create(t.Context(), key, []byte(strconv.Itoa(n)))
			if err == nil {
				made <- strconv.Itoa(n)
				return
			}
			assert.ErrorIs(t, err, ErrExists)
		})
	}
	group.Wait()
	require.Len(t, made, 1)
	content, err := s.Read(t.Context(), key, 10)
	require.NoError(t, err)
	assert.Equal(t, <-made, string(content))
}
