package clouds

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/offline"
	"escala/infra/testing/pulumitest"
	"escala/infra/workspace"
)

// TestEveryTypeHasItsReplacements checks that each table matches the SDK's version,
// has exactly the types that targets register, and no property that the SDK lacks.
func TestEveryTypeHasItsReplacements(t *testing.T) {
	root, err := workspace.Root()
	require.NoError(t, err)
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	for _, one := range []struct {
		table    []byte
		module   string
		provider *offline.Provider
	}{
		{awsReplaces, "pulumi-aws/sdk/v6", AWS(nil)},
		{digitalOceanReplaces, "pulumi-digitalocean/sdk/v4", DigitalOcean(nil)},
	} {
		table := read(one.table)
		t.Run(table.Package, func(t *testing.T) {
			version := regexp.MustCompile(one.module + ` v(\S+)`).FindSubmatch(mod)
			require.NotNil(t, version)
			assert.Equal(t, string(version[1]), table.Version, "see replaces.go for the command that writes the table anew")

			types := one.provider.Types()
			for token, kind := range types {
				properties, ok := table.Replaces[token]
				require.True(t, ok, "%s has no entry", token)
				assert.True(t, slices.IsSorted(properties), token)
				for _, path := range append(slices.Collect(maps.Keys(kind.ReplacesIf)), kind.Replaces...) {
					assert.True(t, offline.HasProperty(kind.Args, path), "%s has no property %s", token, path)
				}
			}
			for token := range table.Replaces {
				assert.Contains(t, types, token, "no target registers it")
			}
		})
	}
}

// TestTypesThatAreDeletedFirst checks the types that the targets' tests expect to be
// deleted before their replacement.
func TestTypesThatAreDeletedFirst(t *testing.T) {
	want := map[string]string{}
	for _, provider := range []*offline.Provider{AWS(nil), DigitalOcean(nil)} {
		for token, kind := range provider.Types() {
			switch {
			case kind.DeleteFirst:
				want[token] = pulumitest.Always
			case kind.Named != "" && len(kind.Replaces) > 0:
				want[token] = kind.Named
			}
		}
	}
	assert.Equal(t, want, pulumitest.NamedTypes)
}

func TestConditionsOfReplacements(t *testing.T) {
	version := func(v string) resource.PropertyMap {
		return resource.PropertyMap{"version": resource.NewProperty(v)}
	}
	for _, one := range []struct {
		before, after string
		lowered       bool
	}{
		{"1.36.5-do.0", "1.36.4-do.1", true},
		{"1.36.10-do.0", "1.36.9-do.0", true},
		{"1.36.5-do.1", "1.36.5-do.0", true},
		{"1.36.5-do.0", "1.36.5-do.0", false},
		{"1.36.9-do.0", "1.36.10-do.0", false},
		{"1.36.5-do.0", "1.37.1-do.0", false},
	} {
		assert.Equal(t, one.lowered, versionLowered(version(one.before), version(one.after)), "%s to %s", one.before, one.after)
	}
	ipv6 := func(v bool) resource.PropertyMap { return resource.PropertyMap{"ipv6": resource.NewProperty(v)} }
	assert.True(t, ipv6TurnedOff(ipv6(true), ipv6(false)))
	assert.True(t, ipv6TurnedOff(ipv6(true), resource.PropertyMap{}))
	assert.False(t, ipv6TurnedOff(ipv6(false), ipv6(true)))
	assert.False(t, ipv6TurnedOff(resource.PropertyMap{}, ipv6(true)))

	role := func(v string) resource.PropertyMap {
		return resource.NewPropertyMapFromMap(map[string]any{"computeConfig": map[string]any{"nodeRoleArn": v}})
	}
	anotherRole := changed("computeConfig", "nodeRoleArn")
	assert.True(t, anotherRole(role("a"), role("b")))
	assert.False(t, anotherRole(role("a"), role("a")))
	assert.False(t, anotherRole(resource.PropertyMap{}, role("a")), "a first role is taken")
	encrypted := resource.NewPropertyMapFromMap(map[string]any{"encryptionConfig": map[string]any{"resources": []any{"secrets"}}})
	assert.True(t, removed("encryptionConfig")(encrypted, resource.PropertyMap{}))
	assert.False(t, removed("encryptionConfig")(resource.PropertyMap{}, encrypted))
	tier := func(v string) resource.PropertyMap { return resource.PropertyMap{"tier": resource.NewProperty(v)} }
	assert.True(t, lowered("tier", "Advanced", "Standard")(tier("Advanced"), tier("Standard")))
	assert.False(t, lowered("tier", "Advanced", "Standard")(tier("Standard"), tier("Advanced")))
}
