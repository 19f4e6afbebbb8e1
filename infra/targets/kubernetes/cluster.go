package kubernetes

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"escala/infra/deploy"
)

// cluster is the part of a kubeconfig that describes one cluster.
type cluster struct {
	// path is the path of the kubeconfig. If it is empty, kubectl's default places
	// are used.
	path string
	// context is the name of the kubeconfig's context.
	context string
	// kubeconfig is the content, reduced to that context. It may contain secrets.
	kubeconfig string
}

// cluster reads the kubeconfig. It makes no requests.
func (s Settings) cluster(r deploy.Request) (cluster, error) {
	c := cluster{path: s.Kubeconfig, context: s.Context}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	if c.path != "" {
		if rest, home := strings.CutPrefix(c.path, "~/"); home {
			folder, err := os.UserHomeDir()
			if err != nil {
				return c, fmt.Errorf("cannot be found: %w", err)
			}
			c.path = filepath.Join(folder, rest)
		}
		if !filepath.IsAbs(c.path) {
			// The state folder is in the clone.
			c.path = filepath.Join(filepath.Dir(r.State), c.path)
		}
		rules.ExplicitPath = c.path
	}
	all, err := rules.Load()
	if err != nil {
		return c, fmt.Errorf("cannot be looked up: %w", err)
	}
	if c.context == "" {
		c.context = all.CurrentContext
	}
	if all.Contexts[c.context] == nil {
		if len(all.Contexts) == 0 {
			return c, errors.New("cannot be looked up: there is no kubeconfig; set kubernetes.kubeconfig or KUBECONFIG to its path")
		}
		var names []string
		for name := range all.Contexts {
			names = append(names, name)
		}
		slices.Sort(names)
		return c, fmt.Errorf("%q is not a context of the kubeconfig; these are: %s", c.context, strings.Join(names, ", "))
	}
	all.CurrentContext = c.context
	// Paths of certificate files are replaced with the files' contents.
	if err := api.MinifyConfig(all); err != nil {
		return c, fmt.Errorf("%q cannot be used: %w", c.context, err)
	}
	if err := api.FlattenConfig(all); err != nil {
		return c, fmt.Errorf("%q cannot be used: %w", c.context, err)
	}
	content, err := clientcmd.Write(*all)
	if err != nil {
		return c, fmt.Errorf("%q cannot be used: %w", c.context, err)
	}
	c.kubeconfig = string(content)
	return c, nil
}
