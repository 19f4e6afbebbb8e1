package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// answers are Objects in which the test gives each key a reader.
type answers map[string]func(ctx context.Context) (io.ReadCloser, error)

func (a answers) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	if get, there := a[key]; there {
		return get(ctx)
	}
	return nil, fmt.Errorf("%w: no such key", ErrNotFound)
}

func (a answers) Put(context.Context, string, []byte) error { return ErrDenied }

func (a answers) Create(context.Context, string, []byte) error { return ErrDenied }

func content(b []byte) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

// silent returns b and then nothing, until its context ends.
func silent(b []byte) func(context.Context) (io.ReadCloser, error) {
	return func(ctx context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(b), readerFunc(func([]byte) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}))), nil
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func open(t *testing.T, objects Objects) Store {
	t.Helper()
	s, err := New(objects, objects, "i-0123456789abcdef0")
	require.NoError(t, err)
	return s
}

func TestCurrentReadsAPointerAndNothingElse(t *testing.T) {
	release := service.ReleaseOf([]byte("binary"))
	for name, test := range map[string]struct {
		pointer func(context.Context) (io.ReadCloser, error)
		want    error
	}{
		"pointer":   {content([]byte(release.Pointer())), nil},
		"truncated": {content([]byte(release.Pointer()[:65])), ErrCorrupt},
		"empty":     {content(nil), ErrCorrupt},
		"endless":   {func(context.Context) (io.ReadCloser, error) { return io.NopCloser(zeros{}), nil }, ErrCorrupt},
		"cut": {func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(iotest.ErrReader(ErrUnreachable)), nil
		}, ErrUnreachable},
		"missing": {nil, ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			objects := answers{}
			if test.pointer != nil {
				objects[service.PointerKey] = test.pointer
			}
			got, err := open(t, objects).Current(t.Context())
			if test.want != nil {
				require.ErrorIs(t, err, test.want)
				require.ErrorContains(t, err, "reading the release pointer: ")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, service.Wanted{Release: release}, got)
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestCurrentEndsWithItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := open(t, answers{service.PointerKey: silent([]byte("abc"))}).Current(t.Context())
		require.ErrorIs(t, err, ErrUnreachable)
		assert.Equal(t, Timeout, time.Since(began))
	})
}

func TestFetchLeavesOnlyWhatIsVerified(t *testing.T) {
	binary := bytes.Repeat([]byte("escala"), 100_000)
	release := service.ReleaseOf(binary)
	wrong := bytes.Clone(binary)
	wrong[len(wrong)/2] ^= 1
	for name, test := range map[string]struct {
		binary func(context.Context) (io.ReadCloser, error)
		want   error
	}{
		"whole":       {content(binary), nil},
		"one bit":     {content(wrong), ErrCorrupt},
		"cut":         {content(binary[:len(binary)-1]), ErrCorrupt},
		"a byte more": {content(append(bytes.Clone(binary), 0)), ErrCorrupt},
		"endless":     {func(context.Context) (io.ReadCloser, error) { return io.NopCloser(zeros{}), nil }, ErrCorrupt},
		"error amidst": {func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(bytes.NewReader(binary[:9]), iotest.ErrReader(ErrUnreachable))), nil
		}, ErrUnreachable},
		"missing": {nil, ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			objects := answers{}
			if test.binary != nil {
				objects[release.Key()] = test.binary
			}
			folder := t.TempDir()
			path := filepath.Join(folder, "api")
			require.NoError(t, os.WriteFile(path, []byte("what was there"), 0o644))
			// A killed fetch left this file behind.
			require.NoError(t, os.WriteFile(path+".part", bytes.Repeat([]byte{1}, 1<<20), 0o400))

			err := Fetch(t.Context(), open(t, objects), release, path)
			got, readErr := os.ReadFile(path)
			require.NoError(t, readErr)
			entries, readErr := os.ReadDir(folder)
			require.NoError(t, readErr)
			assert.Len(t, entries, 1, "nothing but the file stays")
			if test.want != nil {
				require.ErrorIs(t, err, test.want)
				require.ErrorContains(t, err, "fetching release "+release.Short())
				assert.Equal(t, "what was there", string(got))
				return
			}
			require.NoError(t, err)
			assert.Equal(t, binary, got)
			info, err := os.Stat(path)
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o755), info.Mode())
		})
	}
}

func TestCopyPassesNoMoreThanThePointerSays(t *testing.T) {
	release := service.ReleaseOf(make([]byte, 1000))
	var w bytes.Buffer
	objects := answers{release.Key(): func(context.Context) (io.ReadCloser, error) { return io.NopCloser(zeros{}), nil }}
	require.ErrorIs(t, open(t, objects).Copy(t.Context(), &w, release), ErrCorrupt)
	assert.Equal(t, 1000, w.Len())
}

func TestCopyReturnsTheWritersError(t *testing.T) {
	release := service.ReleaseOf(make([]byte, 1000))
	full := errors.New("no space left on device")
	err := open(t, answers{release.Key(): content(make([]byte, 1000))}).Copy(t.Context(), writerFunc(func([]byte) (int, error) { return 0, full }), release)
	require.ErrorIs(t, err, full)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestCopyGivesUpWhenNothingComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		binary := make([]byte, 1000)
		release := service.ReleaseOf(binary)
		// A byte every 19 s is slow, but it is progress.
		slow := func(ctx context.Context) (io.ReadCloser, error) {
			return io.NopCloser(iotest.OneByteReader(readerAfter(bytes.NewReader(binary), Stall-time.Second))), nil
		}
		require.NoError(t, open(t, answers{release.Key(): slow}).Copy(t.Context(), io.Discard, release))

		began := time.Now()
		err := open(t, answers{release.Key(): silent(binary[:10])}).Copy(t.Context(), io.Discard, release)
		require.ErrorIs(t, err, ErrUnreachable)
		assert.Equal(t, Stall, time.Since(began))
	})
}

func readerAfter(r io.Reader, pause time.Duration) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		time.Sleep(pause)
		return r.Read(p)
	})
}

func TestCopyEndsWithItsContext(t *testing.T) {
	release := service.ReleaseOf([]byte("binary"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := open(t, answers{release.Key(): silent(nil)}).Copy(ctx, io.Discard, release)
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, ErrUnreachable, "the store is not to blame")
}

func TestAMachineWritesOnlyBelowItsOwnFolder(t *testing.T) {
	s := open(t, Folder(t.TempDir()))
	for _, name := range []string{
		"", "/", "..", "../current", "a/../../current", "/etc/passwd", "a//b", "a/", ".hidden", "a/.part", "a\x00b", "a b", "a\nb",
		"../i-other/status.json", strings.Repeat("a", maxName+1),
	} {
		require.Error(t, s.Write(t.Context(), name, []byte("x")), name)
		_, err := Read(t.Context(), s, name)
		require.Error(t, err, name)
	}
	for _, id := range []string{"", ".", "..", "a/b", "../x", "-x", "a b", strings.Repeat("a", 65), "a\n"} {
		_, err := New(Folder("/"), Folder("/"), id)
		require.Error(t, err, id)
	}
}

func TestReadAndWriteAreBounded(t *testing.T) {
	folder := t.TempDir()
	s := open(t, Folder(folder))
	require.ErrorContains(t, s.Write(t.Context(), "status.json", make([]byte, MaxObject+1)), "is the most")
	require.NoError(t, s.Write(t.Context(), "status.json", make([]byte, MaxObject)))
	got, err := Read(t.Context(), s, "status.json")
	require.NoError(t, err)
	assert.Len(t, got, MaxObject)
	path := filepath.Join(folder, filepath.FromSlash(MachineKey("i-0123456789abcdef0", "status.json")))
	require.NoError(t, os.WriteFile(path, make([]byte, MaxObject+1), 0o644))
	_, err = Read(t.Context(), s, "status.json")
	require.ErrorIs(t, err, ErrCorrupt)
}
