package awseks

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/iampolicy"
)

// roles are the IAM roles of the cluster and its nodes.
type roles struct {
	cluster, nodes *iam.Role
	// granted are the policies of both roles. They must exist as long as the cluster
	// does: without them it deletes neither nodes nor load balancers.
	granted []pulumi.Resource
}

// clusterPolicies are the policies that Auto Mode needs ("Amazon EKS Auto Mode
// cluster IAM role"). nodePolicies are the least that a node needs ("Amazon EKS
// Auto Mode node IAM role").
var (
	clusterPolicies = []string{
		"AmazonEKSClusterPolicy", "AmazonEKSComputePolicy", "AmazonEKSBlockStoragePolicy",
		"AmazonEKSLoadBalancingPolicy", "AmazonEKSNetworkingPolicy",
	}
	nodePolicies = []string{"AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly"}
)

func (d deployment) roles() (roles, error) {
	var r roles
	var err error
	domain := iampolicy.ServiceDomain(d.lookup.account.Partition)
	// The session's tags name the cluster, and the policies above allow it to
	// change only its own resources.
	if r.cluster, err = d.role(&r, "cluster", "eks."+domain, clusterPolicies, "sts:AssumeRole", "sts:TagSession"); err != nil {
		return r, err
	}
	if r.nodes, err = d.role(&r, "nodes", "ec2."+domain, nodePolicies, "sts:AssumeRole"); err != nil {
		return r, err
	}
	mayTag, err := tagPolicy()
	if err != nil {
		return r, err
	}
	tagging, err := iam.NewRolePolicy(d.Ctx, d.Name("cluster-tags"), &iam.RolePolicyArgs{
		Role:   r.cluster.Name,
		Policy: pulumi.String(mayTag),
	}, d.Options()...)
	if err != nil {
		return r, fmt.Errorf("registering the cluster's permission to tag: %w", err)
	}
	r.granted = append(r.granted, tagging)
	return r, nil
}

func (d deployment) role(r *roles, part, principal string, policies []string, trusted ...string) (*iam.Role, error) {
	trust, err := iampolicy.Trust(principal, trusted...)
	if err != nil {
		return nil, err
	}
	role, err := iam.NewRole(d.Ctx, d.Name(part), &iam.RoleArgs{
		Description:      pulumi.Sprintf("What the %s of stack %s may do", part, d.Ctx.Stack()),
		AssumeRolePolicy: pulumi.String(trust),
	}, d.Options()...)
	if err != nil {
		return nil, fmt.Errorf("registering the role of the %s: %w", part, err)
	}
	for _, policy := range policies {
		attached, err := iam.NewRolePolicyAttachment(d.Ctx, d.Name(part+"-"+policy), &iam.RolePolicyAttachmentArgs{
			Role:      role.Name,
			PolicyArn: pulumi.Sprintf("arn:%s:iam::aws:policy/%s", d.lookup.account.Partition, policy),
			// The provider deletes an attachment before it makes the replacement.
			// During a move to another region, the cluster that serves would have no
			// permissions until the new one serves.
		}, d.Options(pulumi.DeleteBeforeReplace(false))...)
		if err != nil {
			return nil, fmt.Errorf("attaching %s to the role of the %s: %w", policy, part, err)
		}
		r.granted = append(r.granted, attached)
	}
	return role, nil
}

// tagPolicy lets the cluster add the stack's tags to its load balancers and remove
// them. The managed policies allow adding only EKS' own tags ("Custom AWS tags for
// EKS Auto resources"), and no removing. Without this policy, a tag that is removed
// from the settings stops the reconciliation of the Ingress. Both permissions cover
// only resources that the cluster creates itself.
func tagPolicy() (string, error) {
	return iampolicy.Document(iampolicy.Statement{
		Sid:    "LoadBalancer",
		Effect: "Allow",
		Action: []string{
			"elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup",
			"elasticloadbalancing:CreateListener", "elasticloadbalancing:CreateRule",
			"ec2:CreateSecurityGroup",
		},
		// A resource that does not exist yet has no ARN, so the condition sets the
		// limit.
		Resource: []string{"*"},
		Condition: map[string]map[string]string{"StringEquals": {
			"aws:RequestTag/eks:eks-cluster-name": "${aws:PrincipalTag/eks:eks-cluster-name}",
		}},
	}, iampolicy.Statement{
		Sid:      "LoadBalancerTags",
		Effect:   "Allow",
		Action:   []string{"elasticloadbalancing:RemoveTags", "ec2:DeleteTags"},
		Resource: []string{"*"},
		Condition: map[string]map[string]string{"StringEquals": {
			"aws:ResourceTag/eks:eks-cluster-name": "${aws:PrincipalTag/eks:eks-cluster-name}",
		}},
	})
}
