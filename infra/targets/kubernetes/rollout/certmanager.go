package rollout

import (
	"context"
	"errors"
	"fmt"
)

// CertManager returns nil if a cluster has cert-manager and the ClusterIssuer with
// that name is ready. An empty name means that no ClusterIssuer is needed.
func CertManager(ctx context.Context, kubeconfig, issuer string) error {
	c, err := newClient(kubeconfig)
	if err != nil {
		return err
	}
	const api = "/apis/cert-manager.io/v1"
	var served struct{ Resources []struct{ Name string } }
	switch err := c.get(ctx, api, nil, &served); {
	case errors.Is(err, errNotFound):
		return errors.New("the cluster has no cert-manager, which gets the certificate; install it (cert-manager.io/docs/installation), or give the certificate as service.tls.certificate")
	case err != nil:
		return fmt.Errorf("looking for cert-manager: %w", err)
	case issuer == "":
		return nil
	}
	var found struct {
		Status struct{ Conditions []condition }
	}
	switch err := c.get(ctx, api+"/clusterissuers/"+issuer, nil, &found); {
	case errors.Is(err, errNotFound):
		return fmt.Errorf("the cluster has no ClusterIssuer %q (kubectl get clusterissuers)", issuer)
	case err != nil:
		return fmt.Errorf("looking for ClusterIssuer %s: %w", issuer, err)
	}
	for _, one := range found.Status.Conditions {
		if one.Type == "Ready" && one.Status == "True" {
			return nil
		}
		if one.Type == "Ready" {
			return fmt.Errorf("ClusterIssuer %s is not ready: %s", issuer, first(one.Message, one.Reason))
		}
	}
	return fmt.Errorf("ClusterIssuer %s is not ready: cert-manager has not looked at it yet", issuer)
}
