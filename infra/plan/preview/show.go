package preview

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/plan"
	"escala/infra/plan/unpack"
)

// unknownValue replaces a value that only the cloud knows.
const unknownValue = "[unknown]"

// renderer converts inputs to values for a report.
type renderer struct {
	secrets *plan.Secrets
	// root is the path of the clone. Reports omit it, since it differs from
	// computer to computer.
	root string
	// open leaves secrets, user-data and documents unchanged. The checks need this.
	open bool
}

func (r renderer) inputs(kind string, inputs resource.PropertyMap) map[string]any {
	out := map[string]any{}
	for key, value := range inputs {
		if strings.HasPrefix(string(key), "__") {
			continue
		}
		if !r.open && unpack.Carries(kind, string(key)) {
			out[string(key)] = fingerprint(value)
			continue
		}
		out[string(key)] = r.value(value)
	}
	return out
}

// fingerprint replaces user-data by its checksum, which shows whether it
// changes. The report lists the files of user-data separately.
func fingerprint(v resource.PropertyValue) any {
	text, known := textOf(v)
	if !known {
		return unknownValue
	}
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("(user-data, sha256 %s)", hex.EncodeToString(sum[:6]))
}

// textOf returns the text of a value, secret or not.
func textOf(v resource.PropertyValue) (string, bool) {
	for v.IsSecret() {
		v = v.SecretValue().Element
	}
	if v.IsOutput() && v.OutputValue().Known {
		return textOf(v.OutputValue().Element)
	}
	if v.IsString() {
		return v.StringValue(), true
	}
	return "", false
}

func (r renderer) value(v resource.PropertyValue) any {
	switch {
	case r.open && v.IsSecret():
		return r.value(v.SecretValue().Element)
	case v.IsSecret(), !r.open && v.IsOutput() && v.OutputValue().Secret:
		return plan.Masked
	case v.IsComputed(), v.IsOutput() && !v.OutputValue().Known:
		return unknownValue
	case v.IsOutput():
		return r.value(v.OutputValue().Element)
	case v.IsString():
		return r.text(v.StringValue())
	case v.IsArray():
		out := []any{}
		for _, one := range v.ArrayValue() {
			out = append(out, r.value(one))
		}
		return out
	case v.IsObject():
		out := map[string]any{}
		for key, one := range v.ObjectValue() {
			out[string(key)] = r.value(one)
		}
		return out
	case v.IsAsset():
		return fmt.Sprintf("(file %s)", r.text(v.AssetValue().Path))
	case v.IsArchive():
		return fmt.Sprintf("(archive %s)", r.text(v.ArchiveValue().Path))
	case v.IsResourceReference():
		return string(v.ResourceReferenceValue().URN)
	default:
		return v.V
	}
}

// text converts a JSON document, such as a policy, to an object, so that a
// difference has a path. Other texts are masked.
func (r renderer) text(text string) any {
	if r.open {
		return text
	}
	if strings.HasPrefix(text, "{") {
		var document map[string]any
		if err := json.Unmarshal([]byte(text), &document); err == nil {
			return r.value(resource.NewObjectProperty(resource.NewPropertyMapFromMap(document)))
		}
	}
	if r.root != "" {
		text = strings.ReplaceAll(text, r.root+"/", "")
		text = strings.ReplaceAll(text, r.root, ".")
	}
	return r.secrets.Mask(text)
}

// collectSecrets adds the secrets among a resource's inputs and outputs. extra lists the
// outputs that the SDK declares secret.
func collectSecrets(secrets *plan.Secrets, label string, props resource.PropertyMap, extra ...string) {
	for key, value := range props {
		collectSecret(secrets, label+" "+string(key), value, false)
		for _, name := range extra {
			if name == string(key) {
				collectSecret(secrets, label+" "+name, value, true)
			}
		}
	}
}

func collectSecret(secrets *plan.Secrets, label string, v resource.PropertyValue, secret bool) {
	switch {
	case v.IsSecret():
		collectSecret(secrets, label, v.SecretValue().Element, true)
	case v.IsOutput() && v.OutputValue().Known:
		collectSecret(secrets, label, v.OutputValue().Element, secret || v.OutputValue().Secret)
	case v.IsArray():
		for _, one := range v.ArrayValue() {
			collectSecret(secrets, label, one, secret)
		}
	case v.IsObject():
		for key, one := range v.ObjectValue() {
			collectSecret(secrets, label+"."+string(key), one, secret)
		}
	case v.IsString() && secret:
		secrets.Add(label, v.StringValue())
	}
}

// plain converts inputs that the engine reports. The engine has already masked
// their secrets.
func (r renderer) plain(inputs map[string]any) map[string]any {
	return r.inputs("", resource.NewPropertyMapFromMap(inputs))
}
