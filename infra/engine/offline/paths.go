package offline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// changedPaths returns the sorted paths of all values that differ:
// "rootBlockDevice.volumeSize", "rules[1].filter". Secrecy is not a difference.
func changedPaths(olds, news resource.PropertyMap) []string {
	var paths []string
	differences("", open(resource.NewProperty(olds)), open(resource.NewProperty(news)), &paths)
	slices.Sort(paths)
	return paths
}

// differences adds the paths below path at which two values differ.
func differences(path string, before, after resource.PropertyValue, paths *[]string) {
	switch {
	case before.IsObject() && after.IsObject():
		keys := map[resource.PropertyKey]bool{}
		for key := range before.ObjectValue() {
			keys[key] = true
		}
		for key := range after.ObjectValue() {
			keys[key] = true
		}
		for key := range keys {
			name := string(key)
			if strings.ContainsAny(name, `.["`) {
				name = fmt.Sprintf("[%q]", name)
			}
			differences(joined(path, name), before.ObjectValue()[key], after.ObjectValue()[key], paths)
		}
	case before.IsArray() && after.IsArray():
		for i := range max(len(before.ArrayValue()), len(after.ArrayValue())) {
			differences(fmt.Sprintf("%s[%d]", path, i), item(before, i), item(after, i), paths)
		}
	case before.IsNull() && after.IsNull():
	case !before.DeepEquals(after):
		*paths = append(*paths, path)
	}
}

// item returns an element of a list, or null beyond its end.
func item(list resource.PropertyValue, i int) resource.PropertyValue {
	if values := list.ArrayValue(); i < len(values) {
		return values[i]
	}
	return resource.NewNullProperty()
}

// within reports whether a path is property or below it, or is a block around
// property that is added or removed as a whole. Neither has indices.
func within(path, property string) bool {
	return path == property || strings.HasPrefix(path, property+".") || strings.HasPrefix(property, path+".")
}

// withoutIndices returns a path as in a provider's schema, which does not
// distinguish the elements of a list.
func withoutIndices(path string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(path, "[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, path, _ = strings.Cut(rest, "]")
	}
}

// detail returns a path's entry in a detailed diff.
func detail(replaces bool) *pulumirpc.PropertyDiff {
	kind := pulumirpc.PropertyDiff_UPDATE
	if replaces {
		kind = pulumirpc.PropertyDiff_UPDATE_REPLACE
	}
	return &pulumirpc.PropertyDiff{Kind: kind, InputDiff: true}
}
