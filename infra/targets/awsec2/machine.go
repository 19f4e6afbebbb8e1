package awsec2

import (
	"encoding/base64"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/cloudinit"
	"escala/infra/deploy"
)

// userDataLimit is EC2's limit: 16 KiB before base64 encoding ("Run commands
// when you launch an EC2 instance with user data input").
var userDataLimit = deploy.UserDataLimit{Bytes: 16 << 10, Gzip: true}

// machineNames are the AWS names that a machine's user-data refers to.
type machineNames struct {
	bucket string
	// secrets is the path of the parameters. revision changes when any of them
	// changes.
	secrets, revision string
	// address is the stable address, which is needed in service.TLSIP mode.
	address string
	// operator is the public key that verifies the operator's requests.
	operator string
}

// machine returns the machine that the instance's user-data describes.
func machine(r deploy.Request, s Settings, names machineNames) cloudinit.Machine {
	m := cloudinit.NewMachine(r.Spec)
	m.Agent = r.Agent.ID
	m.Operator = names.operator
	m.Store = cloudinit.S3Store{Bucket: names.bucket, Region: s.Region}
	m.MetadataOnlyRoot = []string{"169.254.169.254", "fd00:ec2::254"}
	m.SessionManager = &cloudinit.SessionManager{Region: s.Region, Arch: s.Arch}
	if r.Spec.HTTPS() {
		m.TLS.Address = names.address
		// Check has already reported a file that cannot be read.
		ca, _ := r.AuthorityCA()
		m.TLS.AuthorityCA = string(ca)
	}
	m.Notify = r.Notified()
	if len(r.Spec.Secrets) > 0 || r.Spec.HTTPS() || m.Notify != "" {
		m.Secrets = cloudinit.ParameterSecrets{
			Names: r.Spec.Secrets, Path: names.secrets, Region: s.Region, Revision: names.revision,
		}
	}
	return m
}

// instance registers the machine. When its inputs change, a second machine is
// created, and the old one is deleted after the address has moved. The returned
// outputs have the machine's zone.
func (d deployment) instance(net network, store releaseStore, secrets secretStore, role access, address pulumi.StringInput) (*ec2.Instance, pulumi.Map, error) {
	operator, err := d.OperatorKey()
	if err != nil {
		return nil, nil, err
	}
	userData := pulumi.All(store.bucket.Bucket, secrets.path, secrets.revision, address, operator).ApplyT(func(v []any) (string, error) {
		names := machineNames{bucket: v[0].(string), secrets: v[1].(string), revision: v[2].(string), address: v[3].(string), operator: v[4].(string)}
		data, err := userDataLimit.UserData(machine(d.Request, d.settings, names))
		return base64.StdEncoding.EncodeToString(data), err
	}).(pulumi.StringOutput)
	args := &ec2.InstanceArgs{
		Ami:                      pulumi.String(d.lookup.ami),
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
	}
	if d.settings.burstable() {
		args.CreditSpecification = &ec2.InstanceCreditSpecificationArgs{CpuCredits: pulumi.String(d.settings.CPUCredits)}
	}
	// Backup and cost tools tag volumes, and the provider would report those
	// tags as a change.
	ignored := []string{"rootBlockDevice.tags"}
	if d.settings.AMI == "" {
		// A newer image does not replace the machine. The engine ignores the
		// change on a machine that stays and uses the newer image for a
		// replacement.
		ignored = append(ignored, "ami")
	}
	// An image is for one architecture, so another architecture needs another
	// machine and not only another type. So does another generation.
	name := fmt.Sprintf("machine-%s-%d", d.settings.Arch, d.settings.Generation)
	instance, err := ec2.NewInstance(d.Ctx, d.Name(name), args, d.Options(
		// Changing these in place would stop the machine that serves.
		pulumi.ReplaceOnChanges([]string{"instanceType", "rootBlockDevice.volumeSize", "rootBlockDevice.volumeType"}),
		pulumi.IgnoreChanges(ignored),
		pulumi.DeleteBeforeReplace(false),
		pulumi.DependsOn(append([]pulumi.Resource{role.granted, store.agent}, net.online...)),
	)...)
	if err != nil {
		return nil, nil, fmt.Errorf("registering the machine: %w", err)
	}
	return instance, pulumi.Map{outputZone: instance.AvailabilityZone}, nil
}

// outputZone is the output with the machine's zone. The next update checks a
// new instance type against it.
const outputZone = "zone"
