package state

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"escala/infra/operate"
)

// exportTimeout limits Pulumi's command line, which may ask a far backend.
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
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		if strings.Contains(said.String(), "no stack named") {
			return operate.ErrNothing
		}
		return fmt.Errorf("reading the state with pulumi stack export: %w: %s", err, strings.TrimSpace(said.String()))
	}
	return parse(s, out.Bytes())
}

// deployment has the parts of a DeploymentV3 that are needed.
type deployment struct {
	Deployment struct {
		Resources []struct {
			URN     string         `json:"urn"`
			Type    string         `json:"type"`
			ID      string         `json:"id"`
			Outputs map[string]any `json:"outputs"`
			Delete  bool           `json:"delete"`
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
		switch {
		case r.Type == stackType:
			for key, value := range r.Outputs {
				if revealed, secret := reveal(value); !secret {
					s.Outputs[key] = revealed
				}
			}
		default:
			outputs := map[string]any{}
			for key, value := range r.Outputs {
				outputs[key], _ = reveal(value)
			}
			name := r.URN[strings.LastIndex(r.URN, "::")+1:]
			s.Resources = append(s.Resources, operate.Resource{
				URN: r.URN, Type: r.Type, Name: strings.TrimPrefix(name, ":"), ID: r.ID, Outputs: outputs, Replaced: r.Delete,
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

// reveal returns a value without the wrapper of secrets, and whether it was one.
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
			revealed, one := reveal(element)
			out[key], wrapped = revealed, wrapped || one
		}
		return out, wrapped
	case []any:
		out, wrapped := make([]any, len(v)), false
		for i, element := range v {
			revealed, one := reveal(element)
			out[i], wrapped = revealed, wrapped || one
		}
		return out, wrapped
	}
	return value, false
}
