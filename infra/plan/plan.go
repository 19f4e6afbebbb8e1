// Package plan says what a stack would be, without an account: the resources
// that the real engine's preview asks for, what would stand on the machines and
// in the cluster, and what is wrong with it. This package is the vocabulary;
// preview fills it, check judges it, report shows it, compare sets two beside
// each other.
package plan

// Version is that of the plan as JSON. Two plans can be compared if theirs is
// the same.
const Version = 1

// Note says what a plan is, and what it is not. Every report begins with it.
const Note = "This is the preview of Pulumi's real engine against providers that record what they are asked for. " +
	"No cloud was asked: it is not the cloud's own preview. " +
	"What a cloud would answer is made up, and so are the values of secrets. " +
	"It shows new stacks, not what differs from a stack that is there."

// Plan is what some stacks would be.
type Plan struct {
	Version int     `json:"version"`
	Note    string  `json:"note"`
	Stacks  []Stack `json:"stacks"`
}

// New is a plan of those stacks.
func New(stacks ...Stack) Plan { return Plan{Version: Version, Note: Note, Stacks: stacks} }

// Stack is what one stack would be.
type Stack struct {
	Name string `json:"name"`
	// Target is what its configuration says, if it could be read.
	Target string `json:"target,omitempty"`
	// Release is the id of the release that the source makes.
	Release string `json:"release,omitempty"`
	// Error is why there is no preview. All else may be missing then.
	Error string `json:"error,omitempty"`
	// Placeholders are the keys of the configuration whose secret values
	// placeholders stand for.
	Placeholders []string `json:"placeholders,omitempty"`
	// Unused are the keys of the stack's file that a plan does without.
	Unused []string `json:"unused,omitempty"`
	// Lookups are what the program asked the cloud, with the made-up answers.
	Lookups   []Lookup   `json:"lookups,omitempty"`
	Resources []Resource `json:"resources,omitempty"`
	Machines  []Machine  `json:"machines,omitempty"`
	Manifests []File     `json:"manifests,omitempty"`
	Findings  []Finding  `json:"findings,omitempty"`
}

// Lookup is a question to a cloud.
type Lookup struct {
	Function string         `json:"function"`
	Args     map[string]any `json:"args,omitempty"`
	Answer   map[string]any `json:"answer,omitempty"`
}

// Resource is one that the preview would create.
type Resource struct {
	URN  string `json:"urn"`
	Type string `json:"type"`
	Name string `json:"name"`
	// Parent is the parent's URN, empty for the stack itself.
	Parent string `json:"parent,omitempty"`
	// Provider is the name of the provider's resource.
	Provider string `json:"provider,omitempty"`
	// Component says that it only groups others.
	Component bool `json:"component,omitempty"`
	// Inputs are for people: secrets masked, user-data left out.
	Inputs map[string]any `json:"inputs,omitempty"`
	// ReplacedBy are the inputs whose change makes another resource.
	ReplacedBy []string `json:"replacedBy,omitempty"`
	// Ignores are the inputs whose change is ignored.
	Ignores []string `json:"ignores,omitempty"`
	// Retained says that it stays when it leaves the program.
	Retained bool `json:"retained,omitempty"`

	// ID is the made-up id.
	ID string `json:"-"`
	// Raw are the inputs as the provider got them, secrets in the clear: for the
	// checks alone.
	Raw map[string]any `json:"-"`
	// Secret are the inputs that hold anything secret.
	Secret map[string]bool `json:"-"`
}

// Machine is one that user-data describes.
type Machine struct {
	// Resource is the URN of the resource that carries the user-data.
	Resource string `json:"resource"`
	// Name is the resource's.
	Name string `json:"name"`
	// Bytes is what the cloud counts, and Limit the most that it takes, or 0.
	Bytes int `json:"bytes"`
	Limit int `json:"limit,omitempty"`
	// Encoding is how the user-data is packed: "gzip", or nothing.
	Encoding string `json:"encoding,omitempty"`
	// Files are what cloud-init would write, in its order.
	Files []File `json:"files,omitempty"`
	// Error is why the user-data could not be read, if so.
	Error string `json:"error,omitempty"`

	// Raw is the user-data, unpacked, secrets in the clear.
	Raw string `json:"-"`
	// Sealed says that the whole user-data is secret in Pulumi's state.
	Sealed bool `json:"-"`
}

// File is a file of a machine, or a manifest.
type File struct {
	Path string `json:"path"`
	// Mode in octal digits, Owner as user:group; empty where that is the default
	// (0644, root:root).
	Mode  string `json:"mode,omitempty"`
	Owner string `json:"owner,omitempty"`
	// Defer says that it is written once the packages are there.
	Defer bool `json:"defer,omitempty"`
	// Append says that it is added to what is there.
	Append bool `json:"append,omitempty"`
	// Size in bytes.
	Size int `json:"size"`
	// Content is for people: secrets masked.
	Content string `json:"content"`

	// Raw has the secrets in the clear.
	Raw string `json:"-"`
	// Object is a manifest as it was given.
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
