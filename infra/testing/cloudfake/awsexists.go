package cloudfake

import (
	"errors"
	"fmt"
	"strings"

	"escala/infra/engine/offline"
)

// uniqueName is a name that only one resource can have.
type uniqueName struct {
	name, kind, property string
	// says is the cloud's error. "%s" stands for the name.
	says, does, source string
}

// uniqueNames returns the behaviours that refuse a name that is taken.
func (a *AWS) uniqueNames() []Behaviour {
	const reference = "https://docs.aws.amazon.com/"
	var all []Behaviour
	for _, u := range []uniqueName{
		{
			"parameter-exists", awsParameter, "name", "ParameterAlreadyExists: The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
			"Refuses to create a parameter whose name another one has in account and region.", "https://github.com/hashicorp/terraform-provider-aws/issues/13578",
		},
		{
			"repository-exists", awsRepository, "name", "RepositoryAlreadyExistsException: The repository with name '%s' already exists in the registry",
			"Refuses to create a repository whose name another one has in account and region.", reference + "AmazonECR/latest/APIReference/API_CreateRepository.html",
		},
		{
			"bucket-exists", awsBucket, "bucket", "BucketAlreadyOwnedByYou: Your previous request to create the named bucket succeeded and you already own it.",
			"Refuses to create a bucket whose name is taken, by anyone.", reference + "AmazonS3/latest/API/API_CreateBucket.html",
		},
		{
			"log-group-exists", awsLogGroup, "name", "ResourceAlreadyExistsException: The specified log group already exists",
			"Refuses to create a log group whose name another one has.", reference + "AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
		},
		{
			"cluster-exists", awsCluster, "name", "ResourceInUseException: Cluster already exists with name: %s",
			"Refuses to create a cluster whose name another one has in account and region.", reference + "eks/latest/APIReference/API_CreateCluster.html",
		},
	} {
		all = append(all, Behaviour{
			Name: u.name, Does: u.does, Source: u.source, Types: []string{u.kind}, Test: "TestSecondCloneInTheSameAccount",
			Before: func(e *offline.Event) error {
				if e.Operation != offline.Create {
					return nil
				}
				name := text(e.Inputs, u.property)
				for _, other := range a.OfType(u.kind) {
					if text(other.Inputs, u.property) == name && (u.kind == awsBucket || region(other) == region(*e)) {
						if strings.Contains(u.says, "%s") {
							return fmt.Errorf(u.says, name)
						}
						return errors.New(u.says)
					}
				}
				return nil
			},
		})
	}
	return all
}
