// Package plan describes a stack before it exists, without a cloud account: the
// resources that the real engine's preview requests, the files on machines, the
// manifests in the cluster, and the findings. This package has the types. Package
// preview fills them, check judges them, report shows them, and compare compares two
// plans.
package plan

// Version is the version of the plan's JSON format. Only plans of the same
// version can be compared.
const Version = 1

// Note explains what a plan shows and what it does not show. Every report
// begins with it.
const Note = "This is the preview of Pulumi's real engine against providers that record what they are asked for. " +
	"No cloud was asked: it is not the cloud's own preview. " +
	"What a cloud would answer is made up, and so are the values of secrets. " +
	"It shows new stacks, not what differs from a stack that is there."

// Plan describes one or more stacks.
type Plan struct {
	Version int     `json:"version"`
	Note    string  `json:"note"`
	Stacks  []Stack `json:"stacks"`
}

// New returns a plan of the given stacks.
func New(stacks ...Stack) Plan { return Plan{Version: Version, Note: Note, Stacks: stacks} }

// Stack describes one stack.
type Stack struct {
	Name string `json:"name"`
	// Target is the configured target, if it could be read.
	Target string `json:"target,omitempty"`
	// Release is the id of the release that the source code produces.
	Release string `json:"release,omitempty"`
	// Error is the reason if there is no preview. All other fields may be empty
	// then.
	Error string `json:"error,omitempty"`
	// Placeholders lists the configuration keys whose secret values are replaced
	// by placeholders.
	Placeholders []string `json:"placeholders,omitempty"`
	// Unused lists the keys of the stack's file that a plan does not use.
	Unused []string `json:"unused,omitempty"`
	// Lookups lists the program's questions to the cloud, with the made-up
	// answers.
	Lookups   []Lookup   `json:"lookups,omitempty"`
	Resources []Resource `json:"resources,omitempty"`
	Machines  []Machine  `json:"machines,omitempty"`
	Manifests []File     `json:"manifests,omitempty"`
	// Costs are the monthly costs of the stack, if they were requested.
	Costs    *Costs    `json:"costs,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
}

// Lookup is a question that the program asks a cloud.
type Lookup struct {
	Function string         `json:"function"`
	Args     map[string]any `json:"args,omitempty"`
	Answer   map[string]any `json:"answer,omitempty"`
}

// Resource is a resource that an update would create.
type Resource struct {
	URN  string `json:"urn"`
	Type string `json:"type"`
	Name string `json:"name"`
	// Parent is the parent's URN, empty for the stack itself.
	Parent string `json:"parent,omitempty"`
	// Provider is the name of the resource's provider resource.
	Provider string `json:"provider,omitempty"`
	// Component reports whether the resource only groups others.
	Component bool `json:"component,omitempty"`
	// Inputs holds the inputs for people: secrets are masked, user-data is left
	// out.
	Inputs map[string]any `json:"inputs,omitempty"`
	// ReplacedBy lists the inputs whose change forces a replacement.
	ReplacedBy []string `json:"replacedBy,omitempty"`
	// Ignores lists the inputs whose changes are ignored.
	Ignores []string `json:"ignores,omitempty"`
	// Retained reports whether the resource stays in the cloud after its removal
	// from the program.
	Retained bool `json:"retained,omitempty"`

	// ID is the made-up id.
	ID string `json:"-"`
	// Raw holds the inputs as the provider receives them, with secrets in the
	// clear. Only the checks use it.
	Raw map[string]any `json:"-"`
	// Secret holds the names of the inputs that contain a secret.
	Secret map[string]bool `json:"-"`
}

// Machine is a machine that user-data describes.
type Machine struct {
	// Resource is the URN of the resource that carries the user-data.
	Resource string `json:"resource"`
	// Name is the name of that resource.
	Name string `json:"name"`
	// Bytes is the size that the cloud counts. Limit is the cloud's maximum, or 0
	// if there is none.
	Bytes int `json:"bytes"`
	Limit int `json:"limit,omitempty"`
	// Encoding is "gzip" for compressed user-data, otherwise empty.
	Encoding string `json:"encoding,omitempty"`
	// Files lists the files that cloud-init writes, in its order.
	Files []File `json:"files,omitempty"`
	// Error is the reason if the user-data cannot be read.
	Error string `json:"error,omitempty"`

	// Raw is the decompressed user-data, with secrets in the clear.
	Raw string `json:"-"`
	// Sealed reports whether the whole user-data is secret in Pulumi's state.
	Sealed bool `json:"-"`
}

// File is a file of a machine, or a manifest.
type File struct {
	Path string `json:"path"`
	// Mode is in octal digits, Owner is user:group. Both are empty for the default
	// (0644, root:root).
	Mode  string `json:"mode,omitempty"`
	Owner string `json:"owner,omitempty"`
	// Defer reports whether cloud-init writes the file after it installs the
	// packages.
	Defer bool `json:"defer,omitempty"`
	// Append reports whether the content is appended to an existing file.
	Append bool `json:"append,omitempty"`
	// Size is in bytes.
	Size int `json:"size"`
	// Content is the content for people: secrets are masked.
	Content string `json:"content"`

	// Raw is the content with secrets in the clear.
	Raw string `json:"-"`
	// Object is the manifest as a value, with secrets in the clear.
	Object map[string]any `json:"-"`
}

// Types counts the resources of each type.
func (s Stack) Types() map[string]int {
	types := map[string]int{}
	for _, r := range s.Resources {
		types[r.Type]++
	}
	return types
}
