package rollout

import (
	"context"
	"errors"
)

// ClusterID returns the UID of the namespace kube-system. It identifies the
// cluster independently of its name in a kubeconfig.
func ClusterID(ctx context.Context, kubeconfig string) (string, error) {
	c, err := newClient(kubeconfig)
	if err != nil {
		return "", err
	}
	var system struct{ Metadata struct{ UID string } }
	if err := c.get(ctx, "/api/v1/namespaces/kube-system", nil, &system); err != nil {
		return "", err
	}
	if system.Metadata.UID == "" {
		return "", errors.New("its namespace kube-system has no UID")
	}
	return system.Metadata.UID, nil
}
