package awseks

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// admins lets the settings' administrators into the cluster, and who updates the
// stack. It returns what has to be there as long as anything on the cluster is.
func (d deployment) admins(cluster *eks.Cluster) ([]pulumi.Resource, error) {
	principals := append(slices.Clone(d.settings.Admins), d.found.caller)
	slices.Sort(principals)
	var admitted []pulumi.Resource
	for _, principal := range slices.Compact(principals) {
		part := "admin-" + shortPrincipal(principal)
		entry, err := eks.NewAccessEntry(d.Ctx, d.Name(part), &eks.AccessEntryArgs{
			ClusterName:  cluster.Name,
			PrincipalArn: pulumi.String(principal),
			Type:         pulumi.String("STANDARD"),
		}, d.Options()...)
		if err != nil {
			return nil, fmt.Errorf("registering the access of %s: %w", principal, err)
		}
		policy, err := eks.NewAccessPolicyAssociation(d.Ctx, d.Name(part), &eks.AccessPolicyAssociationArgs{
			ClusterName:  cluster.Name,
			PrincipalArn: entry.PrincipalArn,
			PolicyArn:    pulumi.Sprintf("arn:%s:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", d.found.partition),
			AccessScope:  &eks.AccessPolicyAssociationAccessScopeArgs{Type: pulumi.String("cluster")},
		}, d.Options()...)
		if err != nil {
			return nil, fmt.Errorf("registering what %s may do: %w", principal, err)
		}
		admitted = append(admitted, policy)
	}
	return admitted, nil
}

// shortPrincipal is an ARN as part of a name: its end, for people, and a digest,
// since roles of different paths may end alike.
func shortPrincipal(arn string) string {
	digest := sha256.Sum256([]byte(arn))
	return arn[strings.LastIndex(arn, "/")+1:] + "-" + hex.EncodeToString(digest[:3])
}
