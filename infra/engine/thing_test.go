package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/stackfile"
)

// thing is the resource of the tests' provider. A world holds what exists.
type thing struct{ world *world }

type thingInputs struct {
	Token string `pulumi:"token,optional" provider:"secret"`
	Kind  string `pulumi:"kind,optional"  provider:"replaceOnChanges"`
	Size  int    `pulumi:"size,optional"`
}

type thingState struct {
	thingInputs
	Made string `pulumi:"made"`
}

// world is the cloud of the tests' provider.
type world struct {
	mu     sync.Mutex
	exists map[string]bool
	made   int
	// creating is called by each creation, before anything exists. Optional.
	creating func(ctx context.Context, name string) error
}

func newWorld() *world { return &world{exists: map[string]bool{}} }

func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.exists)
}

func (w *world) lose(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.exists, id)
}

func (*thing) Annotate(a infer.Annotator) { a.SetToken("index", "Thing") }

func (t *thing) Create(ctx context.Context, r infer.CreateRequest[thingInputs]) (infer.CreateResponse[thingState], error) {
	state := thingState{thingInputs: r.Inputs}
	if r.DryRun {
		return infer.CreateResponse[thingState]{ID: r.Name, Output: state}, nil
	}
	if t.world.creating != nil {
		if err := t.world.creating(ctx, r.Name); err != nil {
			return infer.CreateResponse[thingState]{}, err
		}
	}
	t.world.mu.Lock()
	defer t.world.mu.Unlock()
	t.world.made++
	id := fmt.Sprintf("%s-%d", r.Name, t.world.made)
	t.world.exists[id] = true
	state.Made = fmt.Sprintf("with %d letters", len(r.Inputs.Token))
	return infer.CreateResponse[thingState]{ID: id, Output: state}, nil
}

func (*thing) Update(_ context.Context, r infer.UpdateRequest[thingInputs, thingState]) (infer.UpdateResponse[thingState], error) {
	return infer.UpdateResponse[thingState]{Output: thingState{thingInputs: r.Inputs, Made: r.State.Made}}, nil
}

func (t *thing) Delete(_ context.Context, r infer.DeleteRequest[thingState]) (infer.DeleteResponse, error) {
	t.world.mu.Lock()
	defer t.world.mu.Unlock()
	if !t.world.exists[r.ID] {
		return infer.DeleteResponse{}, errors.New("there is no " + r.ID)
	}
	delete(t.world.exists, r.ID)
	return infer.DeleteResponse{}, nil
}

func (t *thing) Read(_ context.Context, r infer.ReadRequest[thingInputs, thingState]) (infer.ReadResponse[thingInputs, thingState], error) {
	t.world.mu.Lock()
	defer t.world.mu.Unlock()
	if !t.world.exists[r.ID] {
		return infer.ReadResponse[thingInputs, thingState]{}, nil
	}
	return infer.ReadResponse[thingInputs, thingState]{ID: r.ID, Inputs: r.Inputs, State: r.State}, nil
}

// provider returns a provider of things in a world.
func provider(w *world) Provider {
	return Provider{Name: "test", Serve: func() (pulumirpc.ResourceProviderServer, error) {
		provider, err := infer.NewProviderBuilder().WithResources(infer.Resource(&thing{w})).Build()
		if err != nil {
			return nil, err
		}
		return p.RawServer("test", "1.0.0", provider)(nil)
	}}
}

type thingResource struct {
	pulumi.CustomResourceState
	Made pulumi.StringOutput `pulumi:"made"`
}

type thingArgs struct {
	Token pulumi.StringInput
	Kind  pulumi.StringInput
	Size  pulumi.IntInput
}

func (*thingArgs) ElementType() reflect.Type { return reflect.TypeFor[thingInputs]() }

// things is a program that creates the number of things in its configuration,
// and ends as the configuration says.
func things(ctx *pulumi.Context) error {
	c := config.New(ctx, "")
	token := pulumi.ToSecret(pulumi.String("")).(pulumi.StringOutput)
	if c.Get("token") != "" {
		token = c.GetSecret("token")
	}
	count := 3
	if n := c.GetInt("count"); n > 0 {
		count = n
	}
	var last *thingResource
	for i := range count {
		args := &thingArgs{Token: token, Kind: pulumi.String(c.Get("kind")), Size: pulumi.Int(c.GetInt("size"))}
		var opts []pulumi.ResourceOption
		if last != nil {
			opts = append(opts, pulumi.DependsOn([]pulumi.Resource{last}))
		}
		if c.GetBool("apart") {
			opts = nil
		}
		last = &thingResource{}
		if err := ctx.RegisterResource("test:index:Thing", fmt.Sprintf("thing%d", i), args, last, opts...); err != nil {
			return err
		}
	}
	failing := last.Made.ApplyT(func(string) (string, error) {
		return "", errors.New("the program wants an output to fail")
	})
	switch c.Get("end") {
	case "panic":
		panic("the program wants to panic")
	case "fail":
		// The stack's outputs fail too.
		ctx.Export("failed", failing)
		return errors.New("the program wants to fail")
	case "output":
		ctx.Export("failed", failing)
	}
	ctx.Export("made", last.Made)
	ctx.Export("token", token)
	ctx.Export("nested", pulumi.Map{"a": pulumi.Array{token, pulumi.String("open")}})
	ctx.Export("count", pulumi.Int(count))
	return nil
}

// open opens the stack "x" with a configuration, in a new folder if state is
// empty.
func open(t *testing.T, w *world, state, lines string) *Stack {
	t.Helper()
	return openStack(t, "x", w, state, lines)
}

func openStack(t *testing.T, name string, w *world, state, lines string) *Stack {
	t.Helper()
	if state == "" {
		state = t.TempDir()
	}
	file, err := stackfile.Parse("Pulumi."+name+".yaml", []byte(lines))
	require.NoError(t, err)
	s, err := Open(Options{
		Project: "things", Stack: name, File: file, State: state, Root: t.TempDir(),
		Program:   func([]string) pulumi.RunFunc { return things },
		Providers: []Provider{provider(w)}, Offline: true,
	})
	require.NoError(t, err)
	return s
}

// stateText returns the state's file.
func stateText(t *testing.T, state string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(state, ".pulumi", "stacks", "things", "x.json"))
	require.NoError(t, err)
	return string(text)
}
