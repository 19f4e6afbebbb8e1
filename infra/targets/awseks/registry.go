package awseks

import (
	"encoding/json"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ecr"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/build/image"
	"escala/service"
)

// repository registers the repository of the service's images. A tag is part of an
// image's digest and always means the same image, so tags are immutable.
func (d deployment) repository(unique pulumi.StringOutput) (*ecr.Repository, error) {
	repository, err := ecr.NewRepository(d.Ctx, d.Name("images"), &ecr.RepositoryArgs{
		Name:               pulumi.Sprintf("%s-%s", d.label(), unique),
		ImageTagMutability: pulumi.String("IMMUTABLE"),
		// Images are built from source, so none is worth keeping after a
		// destroy.
		ForceDelete: pulumi.Bool(true),
	}, d.Options(pulumi.DeleteBeforeReplace(false))...)
	if err != nil {
		return nil, fmt.Errorf("registering the repository of images: %w", err)
	}
	policy, err := lifecyclePolicy(d.Request.Expired)
	if err != nil {
		return nil, err
	}
	if _, err := ecr.NewLifecyclePolicy(d.Ctx, d.Name("images"), &ecr.LifecyclePolicyArgs{
		Repository: repository.Name,
		Policy:     pulumi.String(policy),
	}, d.Options()...); err != nil {
		return nil, fmt.Errorf("registering the repository's lifecycle policy: %w", err)
	}
	return repository, nil
}

// login returns a login to the account's registry that is valid for twelve hours.
// It is requested when the image is pushed, and is not stored.
func (d deployment) login() image.Credentials {
	if d.Request.Image == nil || d.Ctx.DryRun() {
		return image.Credentials{}
	}
	token := ecr.GetAuthorizationTokenOutput(d.Ctx, ecr.GetAuthorizationTokenOutputArgs{}, pulumi.Provider(d.Provider))
	return image.Credentials{
		Username: token.UserName(),
		Password: pulumi.ToSecret(token.Password()).(pulumi.StringOutput),
	}
}

// lifecycle is ECR's lifecycle policy ("Lifecycle policy parameters").
type lifecycle struct {
	Rules []lifecycleRule `json:"rules"`
}

type lifecycleRule struct {
	Priority    int               `json:"rulePriority"`
	Description string            `json:"description"`
	Selection   lifecycleSelected `json:"selection"`
	Action      map[string]string `json:"action"`
}

type lifecycleSelected struct {
	TagStatus   string   `json:"tagStatus"`
	TagPatterns []string `json:"tagPatternList,omitempty"`
	CountType   string   `json:"countType"`
	CountUnit   string   `json:"countUnit,omitempty"`
	CountNumber int      `json:"countNumber"`
}

// brokenOffDays is the number of days that an incompletely pushed image stays. ECR
// does not expire the images of an existing index, which have no tags of their own.
const brokenOffDays = 7

// lifecyclePolicy expires the images that are too old for a rollback, one by
// one. A rule by count or age would also expire images that a rollback can use.
func lifecyclePolicy(expired []service.Release) (string, error) {
	expire := map[string]string{"type": "expire"}
	var policy lifecycle
	for _, old := range expired {
		policy.Rules = append(policy.Rules, lifecycleRule{
			Priority:    len(policy.Rules) + 1,
			Description: "release " + old.Short(),
			Selection: lifecycleSelected{
				TagStatus: "tagged", TagPatterns: []string{old.Short()},
				CountType: "sinceImagePushed", CountUnit: "days", CountNumber: 1,
			},
			Action: expire,
		})
	}
	policy.Rules = append(policy.Rules, lifecycleRule{
		Priority:    len(policy.Rules) + 1,
		Description: "uploads that broke off",
		Selection: lifecycleSelected{
			TagStatus: "untagged",
			CountType: "sinceImagePushed", CountUnit: "days", CountNumber: brokenOffDays,
		},
		Action: expire,
	})
	b, err := json.Marshal(policy)
	if err != nil {
		return "", fmt.Errorf("writing the repository's lifecycle policy: %w", err)
	}
	return string(b), nil
}
