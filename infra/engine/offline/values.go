package offline

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"google.golang.org/protobuf/types/known/structpb"
)

// options keep the marks that a provider needs: unknown values and secrets.
var options = plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, KeepResources: true}

func unmarshal(s *structpb.Struct) (resource.PropertyMap, error) {
	if s == nil {
		return resource.PropertyMap{}, nil
	}
	props, err := plugin.UnmarshalProperties(s, options)
	if err != nil {
		return nil, fmt.Errorf("reading properties: %w", err)
	}
	return props, nil
}

// unmarshalBoth reads an old and a new state of the same properties.
func unmarshalBoth(before, after *structpb.Struct) (olds, news resource.PropertyMap, err error) {
	if olds, err = unmarshal(before); err != nil {
		return nil, nil, err
	}
	news, err = unmarshal(after)
	return olds, news, err
}

func marshal(props resource.PropertyMap) (*structpb.Struct, error) {
	s, err := plugin.MarshalProperties(props, options)
	if err != nil {
		return nil, fmt.Errorf("writing properties: %w", err)
	}
	return s, nil
}

// plain returns a value without its secret mark.
func plain(v resource.PropertyValue) resource.PropertyValue {
	for v.IsSecret() {
		v = v.SecretValue().Element
	}
	if v.IsOutput() && v.OutputValue().Known {
		return plain(v.OutputValue().Element)
	}
	return v
}

// unknown reports whether a value is not known yet.
func unknown(v resource.PropertyValue) bool {
	return v.IsComputed() || (v.IsOutput() && !v.OutputValue().Known)
}

// changed returns the sorted keys whose values differ.
func changed(olds, news resource.PropertyMap) []resource.PropertyKey {
	var keys []resource.PropertyKey
	for key := range news {
		if !olds.HasValue(key) && !news.HasValue(key) {
			continue
		}
		if !open(olds[key]).DeepEquals(open(news[key])) {
			keys = append(keys, key)
		}
	}
	for key := range olds {
		if _, there := news[key]; !there && olds.HasValue(key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// open returns a value without secret marks, at any depth.
func open(v resource.PropertyValue) resource.PropertyValue {
	v = plain(v)
	switch {
	case v.IsArray():
		items := make([]resource.PropertyValue, len(v.ArrayValue()))
		for i, item := range v.ArrayValue() {
			items[i] = open(item)
		}
		return resource.NewArrayProperty(items)
	case v.IsObject():
		object := resource.PropertyMap{}
		for key, value := range v.ObjectValue() {
			object[key] = open(value)
		}
		return resource.NewObjectProperty(object)
	default:
		return v
	}
}

// Plain returns properties as Go values without secret marks, to inspect what a
// cloud would receive.
func Plain(props resource.PropertyMap) map[string]any {
	return open(resource.NewObjectProperty(props)).ObjectValue().Mappable()
}
