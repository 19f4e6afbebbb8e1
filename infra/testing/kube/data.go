package kube

import (
	"context"
	"encoding/base64"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// Data returns the data of a ConfigMap or a Secret, decoded. The error of an object
// that does not exist satisfies apierrors.IsNotFound.
func Data(ctx context.Context, client dynamic.Interface, kind schema.GroupVersionResource, namespace, name string) (map[string]string, error) {
	object, err := client.Resource(kind).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	data, _, err := unstructured.NestedStringMap(object.Object, "data")
	if err != nil || kind != Secrets {
		return data, err
	}
	for key, value := range data {
		decoded, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return nil, fmt.Errorf("secret %s: %w", name, err)
		}
		data[key] = string(decoded)
	}
	return data, nil
}
