package kubeapply

import (
	"context"
	"encoding/hex"
	"hash/fnv"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// autonamed marks objects without a name in the program. Their replacement can
// have another name, so it can exist before they are deleted.
const autonamed = "pulumi.com/autonamed"

// Check names unnamed objects and refuses inputs that this provider would treat
// differently from pulumi-kubernetes. The server checks everything else; see
// Diff and Create.
func (p *Provider) Check(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	news, err := unmarshal(req.GetNews())
	if err != nil {
		return nil, err
	}
	olds, err := unmarshal(req.GetOlds())
	if err != nil {
		return nil, err
	}
	var failures []*pulumirpc.CheckFailure
	for _, key := range []resource.PropertyKey{"apiVersion", "kind"} {
		if !news.HasValue(key) {
			failures = append(failures, &pulumirpc.CheckFailure{Property: string(key), Reason: string(key) + " is missing"})
		}
	}
	asked, _ := object(news)
	if asked.GetAnnotations()["pulumi.com/waitFor"] != "" {
		failures = append(failures, &pulumirpc.CheckFailure{Property: "metadata", Reason: "the applying provider does not know the annotation pulumi.com/waitFor"})
	}
	nameIfNone(news, olds, req.GetName(), req.GetRandomSeed())
	inputs, err := marshal(news)
	return &pulumirpc.CheckResponse{Inputs: inputs, Failures: failures}, err
}

func nameIfNone(news, olds resource.PropertyMap, name string, seed []byte) {
	metadata := resource.PropertyMap{}
	if v := news["metadata"]; v.IsObject() {
		metadata = v.ObjectValue()
	}
	if metadata.HasValue("name") {
		return
	}
	annotations := resource.PropertyMap{}
	if v := metadata["annotations"]; v.IsObject() {
		annotations = v.ObjectValue()
	}
	annotations[autonamed] = resource.NewStringProperty("true")
	metadata["annotations"] = resource.NewObjectProperty(annotations)
	old, _ := object(olds)
	if old.GetAnnotations()[autonamed] == "true" {
		metadata["name"] = resource.NewStringProperty(old.GetName())
	} else {
		sum := fnv.New32a()
		_, _ = sum.Write(seed) // never fails
		metadata["name"] = resource.NewStringProperty(name + "-" + hex.EncodeToString(sum.Sum(nil)))
	}
	news["metadata"] = resource.NewObjectProperty(metadata)
}
