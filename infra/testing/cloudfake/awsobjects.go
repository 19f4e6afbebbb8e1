package cloudfake

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
)

// Overwrite changes an object outside of Pulumi.
func (a *AWS) Overwrite(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.overwritten[key] = true
}

// objects returns the behaviour of S3 that reports an object's content.
func (a *AWS) objects() Behaviour {
	return Behaviour{
		Name: "object-has-an-etag", Types: []string{awsObject}, Test: "TestOverwrittenPointer",
		Does:   "Reads an object's ETag back, the MD5 of its content, and nothing else of the content: without an ETag in the program, a changed object is no difference.",
		Source: awsProvider + "s3/object.go",
		After: func(e *offline.Event) bool {
			a.mu.Lock()
			defer a.mu.Unlock()
			key := text(e.Inputs, "key")
			if e.Operation != offline.Read {
				delete(a.overwritten, key)
				return false
			}
			if !a.overwritten[key] {
				return false
			}
			other := resource.NewProperty("d41d8cd98f00b204e9800998ecf8427e")
			e.Outputs["etag"] = other
			if e.Inputs.HasValue("etag") {
				e.Inputs["etag"] = other
			}
			return true
		},
	}
}
