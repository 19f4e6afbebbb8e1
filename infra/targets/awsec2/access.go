package awsec2

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/cloudinit"
	"escala/cloudinit/agent/store"
	"escala/infra/deploy"
	"escala/infra/deploy/awsaccount"
	"escala/infra/deploy/iampolicy"
	"escala/service"
)

// access is the machine's permissions on AWS. It may read the release store and
// this stack's secrets, and accept logins through Session Manager.
type access struct {
	profile *iam.InstanceProfile
	// granted is the policy. A machine that starts before the policy exists
	// cannot read anything.
	granted *iam.RolePolicy
}

func (d deployment) access(releases releaseStore, secrets secretStore) (access, error) {
	none := access{}
	trust, err := iampolicy.Trust("ec2."+iampolicy.ServiceDomain(d.lookup.account.Partition), "sts:AssumeRole")
	if err != nil {
		return none, err
	}
	role, err := iam.NewRole(d.Ctx, d.Name("machine"), &iam.RoleArgs{
		Description:      pulumi.Sprintf("What a machine of stack %s may do", d.Ctx.Stack()),
		AssumeRolePolicy: pulumi.String(trust),
	}, d.Options()...)
	if err != nil {
		return none, fmt.Errorf("registering the machine's role: %w", err)
	}
	may := pulumi.All(releases.bucket.Arn, secrets.arns).ApplyT(func(v []any) (string, error) {
		return d.mayDo(v[0].(string), v[1].([]string))
	}).(pulumi.StringOutput)
	granted, err := iam.NewRolePolicy(d.Ctx, d.Name("machine"), &iam.RolePolicyArgs{
		Role:   role.Name,
		Policy: may,
	}, d.Options()...)
	if err != nil {
		return none, fmt.Errorf("registering the policy of the machine's role: %w", err)
	}
	profile, err := iam.NewInstanceProfile(d.Ctx, d.Name("machine"), &iam.InstanceProfileArgs{Role: role.Name}, d.Options()...)
	if err != nil {
		return none, fmt.Errorf("registering the machine's instance profile: %w", err)
	}
	return access{profile: profile, granted: granted}, nil
}

// mayDo returns the policy of the machine's role as JSON.
func (d deployment) mayDo(bucket string, parameters []string) (string, error) {
	statements := []iampolicy.Statement{
		{
			Sid:      "ReadReleases",
			Effect:   "Allow",
			Action:   []string{"s3:GetObject"},
			Resource: []string{bucket + "/" + service.PointerKey, bucket + "/releases/*", bucket + "/agents/*", bucket + "/" + store.RequestsPrefix + "*"},
		},
		// These actions are Session Manager's minimum. The managed policy would
		// also let the machine read every parameter of the account.
		{
			Sid:      "SessionManager",
			Effect:   "Allow",
			Action:   []string{"ssm:UpdateInstanceInformation"},
			Resource: []string{fmt.Sprintf("arn:%s:ec2:%s:%s:instance/*", d.lookup.account.Partition, d.settings.Region, d.lookup.account.ID)},
		},
		{
			Sid:    "SessionManagerChannels",
			Effect: "Allow",
			Action: []string{
				"ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
				"ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
			},
			// These actions support no narrower resource.
			Resource: []string{"*"},
		},
	}
	if d.Request.Spec.HTTPS() {
		// All machines of the stack share these objects. They are encrypted with a
		// key that only the stack's secrets contain.
		statements = append(statements, iampolicy.Statement{
			Sid:      "Certificates",
			Effect:   "Allow",
			Action:   []string{"s3:GetObject", "s3:PutObject"},
			Resource: []string{bucket + "/" + store.SharedPrefix + "*"},
		})
	}
	if len(d.Request.Spec.Schedule) > 0 {
		// Machines of the stack that exist at the same time agree on which of them
		// has a schedule's run.
		statements = append(statements, iampolicy.Statement{
			Sid:      "Schedules",
			Effect:   "Allow",
			Action:   []string{"s3:GetObject", "s3:PutObject"},
			Resource: []string{bucket + "/" + store.SchedulesPrefix + "*"},
		})
	}
	if d.Request.Spec.ReleaseCommand.Set() {
		statements = append(statements, iampolicy.Statement{
			Sid:      "ReleaseCommands",
			Effect:   "Allow",
			Action:   []string{"s3:GetObject", "s3:PutObject"},
			Resource: []string{bucket + "/" + store.CommandsPrefix + "*"},
		})
	}
	if len(parameters) > 0 {
		statements = append(statements, iampolicy.Statement{
			Sid:      "ReadSecrets",
			Effect:   "Allow",
			Action:   []string{"ssm:GetParameters"},
			Resource: parameters,
		})
	}
	return iampolicy.Document(statements...)
}

// rolePolicyBytes is the largest total size of a role's inline policies, in bytes
// ("IAM and AWS STS quotas").
const rolePolicyBytes = 10240

// checkRole reports that the machine's role would be too large. Its policy names
// each of the secrets.
func checkRole(v *service.Violations, r deploy.Request, s Settings) {
	// Only AWS knows the real values. These have the same length.
	const unique, account = "0123456789abcdef", "123456789012"
	d := deployment{Component: &deploy.Component{Request: r}, settings: s, lookup: lookup{account: awsaccount.Account{Partition: "aws-us-gov", ID: account}}}
	bucket := "arn:aws-us-gov:s3:::" + deploy.BucketPrefix(r.Project, r.Stack) + unique
	names := r.Spec.Secrets
	if r.Spec.HTTPS() {
		names = append(names[:len(names):len(names)], cloudinit.TLSSeedName, cloudinit.TLSCertificateName)
	}
	var parameters []string
	for _, name := range names {
		parameters = append(parameters, fmt.Sprintf("arn:aws-us-gov:ssm:%s:%s:parameter%s/%s", s.Region, account, secretsPath(r.Stack, unique), name))
	}
	may, err := d.mayDo(bucket, parameters)
	if err != nil {
		return // the update reports it
	}
	own, err := ownObjectsPolicy(bucket, "i-0123456789abcdef0")
	if size := len(may) + len(own); err == nil && size > rolePolicyBytes {
		v.Add("service.secrets", "are %d, and the permission to read each of them would make the machine's role %d bytes long; AWS takes %d. Put several values into one secret", len(r.Spec.Secrets), size, rolePolicyBytes)
	}
}
