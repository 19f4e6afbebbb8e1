package secrets

import (
	"errors"

	"escala/cloudinit/agent/sigv4"
)

// Settings describe the source of a machine's secrets. Either File or
// Parameters is set.
type Settings struct {
	// Names are the names of environment variables.
	Names []string `json:"names"`
	// File is the path of a file of secrets (see File).
	File       string             `json:"file,omitempty"`
	Parameters *ParameterSettings `json:"parameters,omitempty"`
	// Revision changes when a value changes.
	Revision string `json:"revision,omitempty"`
}

// ParameterSettings describe Parameters.
type ParameterSettings struct {
	Path   string `json:"path"`
	Region string `json:"region"`
	// Endpoint is the service's URL. Default: AWS's own for the region.
	Endpoint string `json:"endpoint,omitempty"`
}

// Open returns the source. role is the machine's role on AWS.
func (s Settings) Open(role sigv4.Credentials) (Source, error) {
	switch {
	case s.File != "" && s.Parameters == nil:
		return File{Path: s.File, Names: s.Names}, nil
	case s.File == "" && s.Parameters != nil:
		p := s.Parameters
		return NewParameters(s.Names, p.Path, p.Region, p.Endpoint, role), nil
	default:
		return nil, errors.New("the secrets' settings: want exactly one of file and parameters")
	}
}
