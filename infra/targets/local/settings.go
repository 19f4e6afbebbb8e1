package local

// Settings is the section "local" of the configuration.
type Settings struct {
	// Port is the service's port on this computer, on loopback. Default 8080.
	Port int `config:"port"`
	// HTTPSPort is the port of HTTPS on this computer, if the service has a host.
	// Default 8443.
	HTTPSPort int `config:"httpsPort"`
}

// NewSettings returns the defaults.
func NewSettings() Settings { return Settings{Port: 8080, HTTPSPort: 8443} }
