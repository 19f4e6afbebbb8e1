package cluster

import (
	"context"
	"fmt"
)

// ReleaseWithCommand updates the stack with sources whose release command prints a
// line and ends with a status. It returns the release that serves.
func (s *System) ReleaseWithCommand(ctx context.Context, line string, status int) (string, error) {
	body := fmt.Sprintf("\tif len(os.Args) > 1 && os.Args[1] == \"migrate\" {\n\t\tfmt.Println(%q)\n\t\tos.Exit(%d)\n\t}", line, status)
	if err := s.Stack.Clone.Change([]string{"fmt", "os"}, body); err != nil {
		return "", err
	}
	delete(s.Stack.Config, "release")
	s.service()["release"] = map[string]any{"command": []string{name, "migrate"}, "timeout": "1m"}
	u, err := s.Stack.Up(ctx)
	return u.Outputs["release"], err
}

// WithoutCommand removes the release command from the stack's configuration.
func (s *System) WithoutCommand() { delete(s.service(), "release") }

// Describe changes the part of the configuration about the service.
func (s *System) Describe(change func(service map[string]any)) { change(s.service()) }

// service returns the part of the configuration about the service.
func (s *System) service() map[string]any { return s.Stack.Config["service"].(map[string]any) }
