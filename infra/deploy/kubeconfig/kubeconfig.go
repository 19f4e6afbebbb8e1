// Package kubeconfig writes and uses kubeconfigs. A kubeconfig that it writes has
// no secrets: a program on the user's computer requests a short-lived token from
// the cloud at each use. So the kubeconfig can be in Pulumi's state, works for a
// destroy a year later, and is the same after each update.
package kubeconfig

import (
	"encoding/json"
	"fmt"
)

// Cluster is the address of a cluster and the way to authenticate to it.
type Cluster struct {
	// Name is the name of the cluster, context and user in the kubeconfig.
	Name string
	// Server is the URL of the API.
	Server string
	// CA is the certificate of the API's certificate authority: PEM in base64,
	// as clouds return it.
	CA string
	// Command and Args start the program that prints a token, as a
	// client.authentication.k8s.io/v1beta1 ExecCredential.
	Command string
	Args    []string
	// Hint is the advice if this program is missing.
	Hint string
}

// config has the parts of a kubeconfig that escala needs
// (k8s.io/client-go/tools/clientcmd/api/v1).
type config struct {
	APIVersion     string         `json:"apiVersion"`
	Kind           string         `json:"kind"`
	CurrentContext string         `json:"current-context"`
	Clusters       []namedCluster `json:"clusters"`
	Contexts       []namedContext `json:"contexts"`
	Users          []namedUser    `json:"users"`
}

type namedCluster struct {
	Name    string  `json:"name"`
	Cluster cluster `json:"cluster"`
}

type cluster struct {
	Server string `json:"server"`
	CA     string `json:"certificate-authority-data"`
}

type namedContext struct {
	Name    string       `json:"name"`
	Context contextNames `json:"context"`
}

type contextNames struct {
	Cluster string `json:"cluster"`
	User    string `json:"user"`
}

type namedUser struct {
	Name string `json:"name"`
	User user   `json:"user"`
}

type user struct {
	Exec exec `json:"exec"`
}

type exec struct {
	APIVersion      string   `json:"apiVersion"`
	Command         string   `json:"command"`
	Args            []string `json:"args"`
	InteractiveMode string   `json:"interactiveMode"`
	InstallHint     string   `json:"installHint,omitempty"`
}

// Write returns the kubeconfig as JSON, which is also YAML.
func Write(c Cluster) (string, error) {
	b, err := json.Marshal(config{
		APIVersion:     "v1",
		Kind:           "Config",
		CurrentContext: c.Name,
		Clusters:       []namedCluster{{c.Name, cluster{Server: c.Server, CA: c.CA}}},
		Contexts:       []namedContext{{c.Name, contextNames{Cluster: c.Name, User: c.Name}}},
		Users: []namedUser{{c.Name, user{exec{
			APIVersion: "client.authentication.k8s.io/v1beta1",
			Command:    c.Command,
			Args:       c.Args,
			// An update is not interactive, so the program must not prompt.
			InteractiveMode: "Never",
			InstallHint:     c.Hint,
		}}}},
	})
	if err != nil {
		return "", fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return string(b), nil
}
