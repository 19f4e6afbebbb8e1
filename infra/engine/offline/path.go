package offline

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// at returns the value at a path of property names with dots between them.
func at(props resource.PropertyMap, path string) (resource.PropertyValue, bool) {
	key, rest, nested := strings.Cut(path, ".")
	value := plain(props[resource.PropertyKey(key)])
	switch {
	case !nested:
		return value, props.HasValue(resource.PropertyKey(key))
	case !value.IsObject():
		return resource.PropertyValue{}, false
	default:
		return at(value.ObjectValue(), rest)
	}
}

func hasAt(props resource.PropertyMap, path string) bool {
	_, has := at(props, path)
	return has
}

// setAt sets the value at a path and creates the objects on the way to it.
func setAt(props resource.PropertyMap, path string, value resource.PropertyValue) {
	key, rest, nested := strings.Cut(path, ".")
	if !nested {
		props[resource.PropertyKey(key)] = value
		return
	}
	inner := plain(props[resource.PropertyKey(key)])
	if !inner.IsObject() {
		inner = resource.NewObjectProperty(resource.PropertyMap{})
	}
	setAt(inner.ObjectValue(), rest, value)
	props[resource.PropertyKey(key)] = inner
}
