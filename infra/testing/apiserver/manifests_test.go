package apiserver_test

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"escala/infra/testing/apiserver"
)

// TestTheServerTakesPlainManifests checks that the server accepts the files of
// `make manifests`. It uses the golden files, which the tests of package manifests
// compare with that output.
func TestTheServerTakesPlainManifests(t *testing.T) {
	server := apiserver.Start(t)
	folders, err := filepath.Glob("../../plan/manifests/testdata/*")
	require.NoError(t, err)
	require.NotEmpty(t, folders)
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			cluster := server.Objects(t)
			files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
			require.NoError(t, err)
			var objects []map[string]any
			for _, file := range files {
				content, err := os.ReadFile(file)
				require.NoError(t, err)
				objects = append(objects, documents(t, content)...)
			}
			require.NotEmpty(t, ofKind(objects, "Deployment"))
			slices.SortStableFunc(objects, func(a, b map[string]any) int { return cmp.Compare(rank(a), rank(b)) })
			versions := applyAll(t, cluster, objects)
			assert.Equal(t, versions, applyAll(t, cluster, objects), "applying them again changes something")
		})
	}
}

// documents returns the objects of a YAML file.
func documents(t *testing.T, content []byte) []map[string]any {
	t.Helper()
	var objects []map[string]any
	for d := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var object map[string]any
		err := d.Decode(&object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		require.NoError(t, err)
		if object != nil {
			objects = append(objects, object)
		}
	}
}
