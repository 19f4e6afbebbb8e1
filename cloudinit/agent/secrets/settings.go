package secrets

import (
	"errors"

	"escala/cloudinit/agent/sigv4"
)

// Settings say where a machine's secrets are. One of File and Parameters is set.
type Settings struct {
	// Names are the environment variables.
	Names []string `json:"names"`
	// File is the path of a File.
	File       string             `json:"file,omitempty"`
	Parameters *ParameterSettings `json:"parameters,omitempty"`
	// Revision changes when a value does.
	Revision string `json:"revision,omitempty"`
}

// ParameterSettings say where Parameters are.
type ParameterSettings struct {
	Path   string `json:"path"`
	Region string `json:"region"`
	// Endpoint is the service's URL. Default: AWS' own for the region.
	Endpoint string `json:"endpoint,omitempty"`
}

// Open returns the source. role is the machine's on AWS.
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
