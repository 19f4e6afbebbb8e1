package provider

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi-go-provider/infer"

	"escala/cloudinit"
	"escala/service"
)

// Agent is the binary of the machine's agent in a store.
type Agent struct{}

// AgentArgs are an Agent's inputs.
type AgentArgs struct {
	Store  string `pulumi:"store" provider:"replaceOnChanges"`
	SHA256 string `pulumi:"sha256" provider:"replaceOnChanges"`
	// Source is the path of the binary, relative to the state folder.
	Source string `pulumi:"source"`
}

// AgentState is an Agent's state.
type AgentState struct {
	AgentArgs
}

// Create copies the binary into the store. The copy is verified.
func (*Agent) Create(ctx context.Context, req infer.CreateRequest[AgentArgs]) (infer.CreateResponse[AgentState], error) {
	out := infer.CreateResponse[AgentState]{ID: req.Inputs.SHA256, Output: AgentState{req.Inputs}}
	if req.DryRun {
		return out, nil
	}
	config := infer.GetConfig[Config](ctx)
	stored := agentPath(config, req.Inputs)
	if err := os.MkdirAll(filepath.Dir(stored), 0o755); err != nil {
		return out, fmt.Errorf("storing the machine's agent: %w", err)
	}
	if err := install(config.path(req.Inputs.Source), stored, req.Inputs.SHA256); err != nil {
		return out, fmt.Errorf("storing the machine's agent: %w", err)
	}
	return out, nil
}

// Update does nothing: the source of a stored binary does not matter.
func (*Agent) Update(_ context.Context, req infer.UpdateRequest[AgentArgs, AgentState]) (infer.UpdateResponse[AgentState], error) {
	return infer.UpdateResponse[AgentState]{Output: AgentState{req.Inputs}}, nil
}

// Read checks that the stored binary is unchanged.
func (*Agent) Read(ctx context.Context, req infer.ReadRequest[AgentArgs, AgentState]) (infer.ReadResponse[AgentArgs, AgentState], error) {
	none := infer.ReadResponse[AgentArgs, AgentState]{}
	there, err := isBinary(agentPath(infer.GetConfig[Config](ctx), req.State.AgentArgs), req.State.SHA256)
	if err != nil || !there {
		return none, err
	}
	return infer.ReadResponse[AgentArgs, AgentState]{ID: req.ID, Inputs: req.Inputs, State: req.State}, nil
}

func (*Agent) Delete(ctx context.Context, req infer.DeleteRequest[AgentState]) (infer.DeleteResponse, error) {
	err := os.Remove(agentPath(infer.GetConfig[Config](ctx), req.State.AgentArgs))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return infer.DeleteResponse{}, fmt.Errorf("removing the stored agent: %w", err)
	}
	return infer.DeleteResponse{}, nil
}

func agentPath(config Config, args AgentArgs) string {
	return config.path(args.Store, cloudinit.AgentKey(service.ReleaseID(args.SHA256)))
}
