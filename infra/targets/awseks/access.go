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

// These are access policies of EKS ("Review access policy permissions").
const (
	adminPolicy = "AmazonEKSClusterAdminPolicy"
	// viewPolicy allows reading everything, including Secrets, as a refresh needs.
	viewPolicy = "AmazonEKSAdminViewPolicy"
)

// access admits the deployer, the administrators and the viewers to the
// cluster. It returns the entries that must exist as long as anything on the
// cluster does.
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
		// A principal has one entry, and an administrator already sees
		// everything.
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
	short := shortPrincipal(principal)
	// A cluster has one entry for a principal, so its logical name does not contain
	// the role: a viewer who becomes an administrator keeps the entry.
	entry, err := eks.NewAccessEntry(d.Ctx, d.Name("access-"+short), &eks.AccessEntryArgs{
		ClusterName:  cluster.Name,
		PrincipalArn: pulumi.String(principal),
		Type:         pulumi.String("STANDARD"),
	}, d.Options(pulumi.Aliases([]pulumi.Alias{
		{Name: pulumi.String(d.Name("admin-" + short))}, {Name: pulumi.String(d.Name("viewer-" + short))},
	}))...)
	if err != nil {
		return nil, fmt.Errorf("registering the access of %s: %w", principal, err)
	}
	admitted, err := eks.NewAccessPolicyAssociation(d.Ctx, d.Name(role+"-"+short), &eks.AccessPolicyAssociationArgs{
		ClusterName:  cluster.Name,
		PrincipalArn: entry.PrincipalArn,
		PolicyArn:    pulumi.Sprintf("arn:%s:eks::aws:cluster-access-policy/%s", d.lookup.account.Partition, policy),
		AccessScope:  &eks.AccessPolicyAssociationAccessScopeArgs{Type: pulumi.String("cluster")},
	}, d.Options()...)
	if err != nil {
		return nil, fmt.Errorf("registering the permissions of %s: %w", principal, err)
	}
	return admitted, nil
}

// admitted returns the kubeconfig. It resolves once the cluster admits the
// principal that updates the stack. A preview does not wait.
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

// shortPrincipal returns an ARN as part of a name: the ARN's end, for people, and a
// digest, because roles with different paths may have the same end.
func shortPrincipal(arn string) string {
	digest := sha256.Sum256([]byte(arn))
	return arn[strings.LastIndex(arn, "/")+1:] + "-" + hex.EncodeToString(digest[:3])
}
