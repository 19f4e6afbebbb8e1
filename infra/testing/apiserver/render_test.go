package apiserver_test

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"escala/infra/build"
	"escala/infra/build/image"
	"escala/infra/deploy"
	"escala/infra/testing/pulumitest"
	"escala/service"
)

// request returns a deploy request for a description, with an image that is
// already built.
func request(t *testing.T, spec service.Spec, secrets map[string]string) deploy.Request {
	t.Helper()
	require.NoError(t, spec.Validate())
	binary := filepath.Join(t.TempDir(), "api")
	require.NoError(t, os.WriteFile(binary, []byte("the service"), 0o600))
	img, err := image.Build(t.Context(), image.Args{
		Binaries: map[build.Platform]string{{OS: "linux", Arch: "amd64"}: binary, {OS: "linux", Arch: "arm64"}: binary},
		Name:     spec.Name, Port: spec.Port,
	})
	require.NoError(t, err)
	return deploy.Request{
		Spec: spec, Secrets: secrets, Image: img, Stack: "test", State: filepath.Join(t.TempDir(), ".escala"),
		Release:     build.Release{Release: service.Release{ID: service.ReleaseID(strings.TrimPrefix(img.Digest(), "sha256:"))}},
		GateTimeout: 5 * time.Minute, Offline: true,
	}
}

// otherwise lists the types that are no objects of the cluster's API, or that only
// EKS has.
var otherwise = []string{"kubernetes:helm.sh/", "kubernetes:eks.amazonaws.com/v1:IngressClassParams"}

// render runs a target and returns its objects for the cluster, the namespace
// first.
func render(t *testing.T, on deploy.Target, r deploy.Request, mocks *pulumitest.Mocks) []map[string]any {
	t.Helper()
	require.NoError(t, on.Check(t.Context(), r))
	require.NoError(t, mocks.Preview(on, r))
	var objects []map[string]any
	for _, made := range mocks.Resources() {
		if !strings.HasPrefix(made.Type, "kubernetes:") || slices.ContainsFunc(otherwise, func(s string) bool { return strings.HasPrefix(made.Type, s) }) {
			continue
		}
		// Convert the inputs through JSON, as for the server. All values must be
		// known in the preview.
		text, err := json.Marshal(made.Inputs)
		require.NoError(t, err)
		object := map[string]any{}
		require.NoError(t, json.Unmarshal(text, &object))
		require.NotEmpty(t, object["apiVersion"], "%s %s", made.Type, made.Name)
		named := unstructured.Unstructured{Object: object}
		if named.GetName() == "" {
			// Pulumi names this object, and gives its replacement another name.
			named.SetName(fmt.Sprintf("%s-%.4x", made.Name, sha256.Sum256(text)))
		}
		objects = append(objects, object)
	}
	require.NotEmpty(t, objects)
	slices.SortStableFunc(objects, func(a, b map[string]any) int { return cmp.Compare(rank(a), rank(b)) })
	return objects
}

// rank orders objects so that dependencies come first.
func rank(object map[string]any) int {
	switch object["kind"] {
	case "Namespace":
		return 0
	case "ServiceAccount":
		return 1
	default:
		return 2
	}
}

// kindAndName returns an object's name for messages.
func kindAndName(object map[string]any) string {
	u := unstructured.Unstructured{Object: object}
	return u.GetKind() + " " + u.GetName()
}

// clone returns a deep copy.
func clone(object map[string]any) map[string]any {
	return (&unstructured.Unstructured{Object: object}).DeepCopy().Object
}

// ofKind returns the objects of a kind.
func ofKind(objects []map[string]any, kind string) []map[string]any {
	var found []map[string]any
	for _, object := range objects {
		if object["kind"] == kind {
			found = append(found, object)
		}
	}
	return found
}
