package clouds

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/acm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
)

const (
	awsCertificate = "aws:acm/certificate:Certificate"
	awsRecord      = "aws:route53/record:Record"
)

// awsNameResources returns the resource types of host names and their
// certificates.
func awsNameResources() map[string]offline.Resource {
	return map[string]offline.Resource{
		awsCertificate: {Args: &acm.CertificateArgs{}, State: acm.Certificate{}},
		"aws:acm/certificateValidation:CertificateValidation": {Args: &acm.CertificateValidationArgs{}, State: acm.CertificateValidation{}},
		awsRecord: {Args: &route53.RecordArgs{}, State: route53.Record{}},
	}
}

// BalancerZones are the zones of the names of application load balancers
// (docs.aws.amazon.com/general/latest/gr/elb.html), for some regions.
var BalancerZones = map[string]string{"eu-central-1": "Z215JYRZR1TBD5", "us-east-1": "Z35SXDOTRQ7X7K"}

// awsNameFunctions returns the functions about host names.
func awsNameFunctions() map[string]offline.Function {
	return map[string]offline.Function{
		"aws:route53/getZone:getZone": getZone,
		"aws:lb/getHostedZoneId:getHostedZoneId": func(args resource.PropertyMap) (resource.PropertyMap, error) {
			id, known := BalancerZones[text(args, "region")]
			if !known {
				return nil, fmt.Errorf("unsupported AWS Region: %s", text(args, "region"))
			}
			return resource.NewPropertyMapFromMap(map[string]any{"id": id}), nil
		},
	}
}

// getZone returns a public hosted zone for every name of two labels, and every zone
// by its id.
func getZone(args resource.PropertyMap) (resource.PropertyMap, error) {
	id, name := text(args, "zoneId"), text(args, "name")
	if id == "" && strings.Count(name, ".") != 1 {
		return nil, fmt.Errorf("no matching Route 53 Hosted Zone found") //nolint:perfsprint // the provider's own message
	}
	if id == "" {
		id = "Z" + strings.ToUpper(digest(name)[:16])
	}
	return ZoneFound(id, name), nil
}

// ZoneFound is the answer of getZone.
func ZoneFound(id, name string, nameServers ...any) resource.PropertyMap {
	return resource.NewPropertyMapFromMap(map[string]any{"id": id, "zoneId": id, "name": name, "privateZone": false, "nameServers": nameServers})
}

// awsNameFillIn sets the outputs of names and certificates that AWS would set.
func awsNameFillIn(e *offline.Event) {
	if e.Operation != offline.Create {
		return
	}
	switch e.Type {
	case awsCertificate:
		e.ID = fmt.Sprintf("arn:aws:acm:%s:%s:certificate/%s", "eu-central-1", AWSAccount, e.ID)
		e.Outputs["arn"] = resource.NewProperty(e.ID)
		name := text(e.Inputs, "domainName")
		if name == "" {
			return // imported
		}
		record, value := ValidationRecord(name)
		e.Outputs["domainValidationOptions"] = resource.NewProperty([]resource.PropertyValue{resource.NewProperty(resource.PropertyMap{
			"domainName":          resource.NewProperty(name),
			"resourceRecordName":  resource.NewProperty(record + "."),
			"resourceRecordType":  resource.NewProperty("CNAME"),
			"resourceRecordValue": resource.NewProperty(value + "."),
		})})
	case awsRecord:
		e.Outputs["fqdn"] = resource.NewProperty(strings.TrimSuffix(text(e.Inputs, "name"), "."))
	}
}

// ValidationRecord returns the record by which ACM validates a name. It is the same
// for each certificate of the name in an account.
func ValidationRecord(name string) (record, value string) {
	sum := digest(AWSAccount + "/" + name)
	return "_" + sum[:32] + "." + name, "_" + sum[32:] + ".acm-validations.aws"
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
