package awsec2

import (
	"encoding/base64"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/cloudinit"
	"escala/infra/deploy"
)

// userDataLimit is EC2's: 16 KiB of bytes before they are put into base64
// ("Run commands when you launch an EC2 instance with user data input").
var userDataLimit = deploy.UserDataLimit{Bytes: 16 << 10, Gzip: true}

// machine is what the instance's user-data describes.
func machine(r deploy.Request, s Settings, bucket, revision string) cloudinit.Machine {
	m := cloudinit.NewMachine(r.Spec)
	m.Store = cloudinit.S3Store{Bucket: bucket, Region: s.Region}
	m.MetadataOnlyRoot = []string{"169.254.169.254", "fd00:ec2::254"}
	m.SessionManager = &cloudinit.SessionManager{Region: s.Region, Arch: s.Arch}
	if len(r.Spec.Secrets) > 0 {
		m.Secrets = cloudinit.ParameterSecrets{
			Names: r.Spec.Secrets, Path: secretsPath(r.Stack), Region: s.Region, Revision: revision,
		}
	}
	return m
}

// instance is the machine. Whatever it is made from makes another machine when
// it changes, beside the old one, which goes when the address has moved.
func (d deployment) instance(net network, store releaseStore, secrets secretStore, role access) (*ec2.Instance, error) {
	userData := pulumi.All(store.bucket.Bucket, secrets.revision).ApplyT(func(v []any) (string, error) {
		data, err := userDataLimit.UserData(machine(d.Request, d.settings, v[0].(string), v[1].(string)))
		return base64.StdEncoding.EncodeToString(data), err
	}).(pulumi.StringOutput)
	options := d.Options(
		// Changed in place, these would stop the machine that serves.
		pulumi.ReplaceOnChanges([]string{"instanceType", "rootBlockDevice"}),
		pulumi.DeleteBeforeReplace(false),
		pulumi.DependsOn(append([]pulumi.Resource{role.granted}, net.online...)),
	)
	if d.settings.AMI == "" {
		// The newest image is for a new machine. It is no reason for one.
		options = append(options, pulumi.IgnoreChanges([]string{"ami"}))
	}
	// An image is for one architecture, so a machine of another is not the same
	// machine with another type; nor is one of another generation.
	name := fmt.Sprintf("machine-%s-%d", d.settings.Arch, d.settings.Generation)
	instance, err := ec2.NewInstance(d.Ctx, d.Name(name), &ec2.InstanceArgs{
		Ami:                      pulumi.String(d.found.ami),
		InstanceType:             pulumi.String(d.settings.instanceType()),
		SubnetId:                 net.subnet,
		VpcSecurityGroupIds:      pulumi.StringArray{net.group.ID()},
		AssociatePublicIpAddress: pulumi.Bool(true),
		IamInstanceProfile:       role.profile.Name,
		MetadataOptions: &ec2.InstanceMetadataOptionsArgs{
			HttpEndpoint:            pulumi.String("enabled"),
			HttpTokens:              pulumi.String("required"),
			HttpPutResponseHopLimit: pulumi.Int(1),
			InstanceMetadataTags:    pulumi.String("disabled"),
		},
		RootBlockDevice: &ec2.InstanceRootBlockDeviceArgs{
			VolumeType:          pulumi.String("gp3"),
			VolumeSize:          pulumi.Int(d.settings.DiskGiB),
			Encrypted:           pulumi.Bool(true),
			DeleteOnTermination: pulumi.Bool(true),
			Tags:                d.NameTag("machine", nil),
		},
		UserDataBase64:          userData,
		UserDataReplaceOnChange: pulumi.Bool(true),
		Tags:                    d.NameTag("machine", nil),
	}, options...)
	if err != nil {
		return nil, fmt.Errorf("registering the machine: %w", err)
	}
	return instance, nil
}
