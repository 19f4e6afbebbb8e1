package state

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"escala/infra/engine"
	"escala/infra/operate"
)

// exportTimeout limits Pulumi's command line, which may query a slow backend.
const exportTimeout = time.Minute

// exported reads the state with `pulumi stack export`. Its file format is
// Pulumi's apitype.UntypedDeployment with a DeploymentV3.
func exported(ctx context.Context, s *operate.Stack) error {
	if _, err := exec.LookPath("pulumi"); err != nil {
		return fmt.Errorf("%w. If its state is in Pulumi Cloud or a bucket: install Pulumi's command line, which reads it", operate.ErrNothing)
	}
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "pulumi", "stack", "export", "--show-secrets", "--non-interactive", "--stack", s.Name)
	cmd.Dir = s.Root
	cmd.WaitDelay = time.Second
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		if strings.Contains(stderr.String(), "no stack named") {
			return operate.ErrNothing
		}
		return fmt.Errorf("reading the state with pulumi stack export: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return parse(s, out.Bytes())
}

// deployment has the fields of a DeploymentV3 that are used here.
type deployment struct {
	Deployment struct {
		Resources []struct {
			URN      string         `json:"urn"`
			Type     string         `json:"type"`
			ID       string         `json:"id"`
			Custom   bool           `json:"custom"`
			Inputs   map[string]any `json:"inputs"`
			Outputs  map[string]any `json:"outputs"`
			Provider string         `json:"provider"`
			Delete   bool           `json:"delete"`
		} `json:"resources"`
	} `json:"deployment"`
}

const stackType = "pulumi:pulumi:Stack"

func parse(s *operate.Stack, content []byte) error {
	var d deployment
	if err := json.Unmarshal(content, &d); err != nil {
		return fmt.Errorf("reading what pulumi stack export printed: %w", err)
	}
	s.Outputs = map[string]any{}
	for _, r := range d.Deployment.Resources {
		switch r.Type {
		case stackType:
			for key, value := range r.Outputs {
				if plain, secret := reveal(value); !secret {
					s.Outputs[key] = plain
				}
			}
		default:
			name := r.URN[strings.LastIndex(r.URN, "::")+1:]
			s.Resources = append(s.Resources, operate.Resource{
				URN: r.URN, Type: r.Type, Name: strings.TrimPrefix(name, ":"), ID: r.ID, Inputs: revealed(r.Inputs), Outputs: revealed(r.Outputs),
				Provider: engine.ProviderName(r.Provider), Component: !r.Custom, Replaced: r.Delete,
			})
		}
	}
	if len(s.Resources) == 0 {
		return operate.ErrNothing
	}
	return nil
}

// The signature of special values in a state, and of secrets among them (Pulumi's
// sdk/go/common/resource/sig).
const (
	signature = "4dabf18193072939515e22adb298388d"
	secret    = "1b47061264138c4ac30d75fd1eb44270"
)

// revealed returns properties without the wrappers of secrets.
func revealed(properties map[string]any) map[string]any {
	all := make(map[string]any, len(properties))
	for key, value := range properties {
		all[key], _ = reveal(value)
	}
	return all
}

// reveal returns a value without the wrapper of secrets, and whether it had one.
func reveal(value any) (any, bool) {
	switch v := value.(type) {
	case map[string]any:
		if v[signature] == secret {
			text, _ := v["plaintext"].(string)
			var inner any
			if err := json.Unmarshal([]byte(text), &inner); err != nil {
				return nil, true
			}
			return inner, true
		}
		out, wrapped := make(map[string]any, len(v)), false
		for key, element := range v {
			inner, one := reveal(element)
			out[key], wrapped = inner, wrapped || one
		}
		return out, wrapped
	case []any:
		out, wrapped := make([]any, len(v)), false
		for i, element := range v {
			inner, one := reveal(element)
			out[i], wrapped = inner, wrapped || one
		}
		return out, wrapped
	}
	return value, false
}
