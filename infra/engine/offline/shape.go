package offline

import (
	"fmt"
	"reflect"
	"sort"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// checkShape checks properties against the SDK's Args: unknown names, missing
// required ones, and values of another type, at any depth.
func checkShape(args any, props resource.PropertyMap) []*pulumirpc.CheckFailure {
	c := &shapeCheck{}
	c.object("", props, elementType(args))
	return c.failures
}

// checkNames checks only the names: a provider's configuration has its objects
// as JSON.
func checkNames(args any, props resource.PropertyMap) []*pulumirpc.CheckFailure {
	c := &shapeCheck{}
	known := fields(elementType(args))
	for _, key := range sorted(props) {
		if _, ok := known[key]; !ok && key != "version" && key != "pluginDownloadURL" {
			c.fail(key, "is not a property of the provider")
		}
	}
	return c.failures
}

// elementType returns the struct behind an Args, which describes with plain Go
// types what the engine receives.
func elementType(args any) reflect.Type {
	t := args.(interface{ ElementType() reflect.Type }).ElementType()
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// fields returns a struct's properties by name.
func fields(t reflect.Type) map[string]reflect.StructField {
	all := map[string]reflect.StructField{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("pulumi"), ",")
		if name != "" {
			all[name] = t.Field(i)
		}
	}
	return all
}

type shapeCheck struct{ failures []*pulumirpc.CheckFailure }

func (c *shapeCheck) fail(path, format string, args ...any) {
	c.failures = append(c.failures, &pulumirpc.CheckFailure{Property: path, Reason: path + " " + fmt.Sprintf(format, args...)})
}

func (c *shapeCheck) object(path string, props resource.PropertyMap, t reflect.Type) {
	known := fields(t)
	for _, key := range sorted(props) {
		field, ok := known[key]
		if !ok {
			c.fail(joined(path, key), "is not a property of %s", t)
			continue
		}
		c.value(joined(path, key), props[resource.PropertyKey(key)], field.Type)
	}
	for name, field := range known {
		if required(field) && !props.HasValue(resource.PropertyKey(name)) {
			c.fail(joined(path, name), "is required")
		}
	}
}

// required reports whether a property is required. In the SDKs optional values
// are pointers. Lists, maps and unions never are; the SDK's own constructors
// check which of those are required.
func required(field reflect.StructField) bool {
	if strings.Contains(field.Tag.Get("pulumi"), ",optional") {
		return false
	}
	switch field.Type.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Float64, reflect.Struct:
		return true
	default:
		return false
	}
}

func (c *shapeCheck) value(path string, v resource.PropertyValue, t reflect.Type) {
	v = plain(v)
	if unknown(v) || v.IsNull() {
		return
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Implements(reflect.TypeFor[pulumi.AssetOrArchive]()) {
		if !v.IsAsset() && !v.IsArchive() {
			c.fail(path, "is not an asset")
		}
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		if !v.IsObject() {
			c.fail(path, "is not an object")
			return
		}
		c.object(path, v.ObjectValue(), t)
	case reflect.Slice:
		if !v.IsArray() {
			c.fail(path, "is not a list")
			return
		}
		for i, item := range v.ArrayValue() {
			c.value(fmt.Sprintf("%s[%d]", path, i), item, t.Elem())
		}
	case reflect.Map:
		if !v.IsObject() {
			c.fail(path, "is not a map")
			return
		}
		for _, key := range sorted(v.ObjectValue()) {
			c.value(joined(path, key), v.ObjectValue()[resource.PropertyKey(key)], t.Elem())
		}
	case reflect.String:
		if !v.IsString() {
			c.fail(path, "is not a text but %s", v.TypeString())
		}
	case reflect.Bool:
		if !v.IsBool() {
			c.fail(path, "is neither true nor false but %s", v.TypeString())
		}
	case reflect.Int, reflect.Float64:
		if !v.IsNumber() {
			c.fail(path, "is not a number but %s", v.TypeString())
		}
	default:
		// interface{} is a union. The SDK has no further type information.
	}
}

func sorted(props resource.PropertyMap) []string {
	keys := make([]string, 0, len(props))
	for key := range props {
		keys = append(keys, string(key))
	}
	sort.Strings(keys)
	return keys
}

func joined(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// HasProperty reports whether an SDK's Args have a property at a path
// ("rootBlockDevice.encrypted"). Elements of a list have no index.
func HasProperty(args any, path string) bool {
	t := elementType(args)
	for name := range strings.SplitSeq(path, ".") {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			return false
		}
		field, ok := fields(t)[name]
		if !ok {
			return false
		}
		t = field.Type
	}
	return true
}
