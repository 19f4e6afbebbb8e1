package awseks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The access policies of EKS ("Review access policy permissions").
const (
	adminPolicy = "AmazonEKSClusterAdminPolicy"
	// viewPolicy reads everything, Secrets too, as a refresh has to.
	viewPolicy = "AmazonEKSAdminViewPolicy"
)

// access lets the deployer, the administrators and the viewers into the cluster.
// It returns what must be there as long as anything on the cluster is.
func (d deployment) access(cluster *eks.Cluster) ([]pulumi.Resource, error) {
	admins := append(slices.Clone(d.settings.Admins), d.lookup.deployer)
	slices.Sort(admins)
	admins = slices.Compact(admins)
	var needed []pulumi.Resource
	for _, principal := range admins {
		admitted, err := d.admit(cluster, "admin", principal, adminPolicy)
		if err != nil {
			return nil, err
		}
		needed = append(needed, admitted)
	}
	for _, principal := range d.settings.Viewers {
		// A principal has one entry, and an administrator sees everything.
		if slices.Contains(admins, principal) {
			continue
		}
		if _, err := d.admit(cluster, "viewer", principal, viewPolicy); err != nil {
			return nil, err
		}
	}
	return needed, nil
}

// admit gives a principal an access entry and one policy for the whole cluster.
func (d deployment) admit(cluster *eks.Cluster, role, principal, policy string) (pulumi.Resource, error) {
	part := role + "-" + shortPrincipal(principal)
	entry, err := eks.NewAccessEntry(d.Ctx, d.Name(part), &eks.AccessEntryArgs{
		ClusterName:  cluster.Name,
		PrincipalArn: pulumi.String(principal),
		Type:         pulumi.String("STANDARD"),
	}, d.Options()...)
	if err != nil {
		return nil, fmt.Errorf("registering the access of %s: %w", principal, err)
	}
	admitted, err := eks.NewAccessPolicyAssociation(d.Ctx, d.Name(part), &eks.AccessPolicyAssociationArgs{
		ClusterName:  cluster.Name,
		PrincipalArn: entry.PrincipalArn,
		PolicyArn:    pulumi.Sprintf("arn:%s:eks::aws:cluster-access-policy/%s", d.lookup.partition, policy),
		AccessScope:  &eks.AccessPolicyAssociationAccessScopeArgs{Type: pulumi.String("cluster")},
	}, d.Options()...)
	if err != nil {
		return nil, fmt.Errorf("registering what %s may do: %w", principal, err)
	}
	return admitted, nil
}

// admitted is a kubeconfig once its cluster lets in who updates the stack. A
// preview waits for nothing.
func (d deployment) admitted(kubeconfig pulumi.StringOutput, admins []pulumi.Resource) pulumi.StringOutput {
	waits := []any{kubeconfig}
	for _, a := range admins {
		waits = append(waits, a.URN())
	}
	if d.Ctx.DryRun() {
		return kubeconfig
	}
	return pulumi.All(waits...).ApplyTWithContext(d.Ctx.Context(), func(ctx context.Context, v []any) (string, error) {
		config := v[0].(string)
		return config, newAdmission().wait(ctx, config)
	}).(pulumi.StringOutput)
}

// shortPrincipal is an ARN as part of a name: its end, for people, and a digest,
// since roles of different paths may end alike.
func shortPrincipal(arn string) string {
	digest := sha256.Sum256([]byte(arn))
	return arn[strings.LastIndex(arn, "/")+1:] + "-" + hex.EncodeToString(digest[:3])
}
