package ecr

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	api "stepwell/internal/awsapi/ecr"
	"stepwell/internal/bus"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

type (
	shape = api.Repository
	tag   = api.Tag
)

var namePattern = regexp.MustCompile(`^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$`)

func (s *Service) createRepository(ctx context.Context, in *api.CreateRepositoryInput) (*api.CreateRepositoryOutput, error) {
	c := bus.From(ctx)
	if in.RegistryId != nil {
		c.Account = *in.RegistryId
	}
	if !namePattern.MatchString(*in.RepositoryName) {
		return nil, api.InvalidParameterException("Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression "+
			"'%s''", strings.Trim(namePattern.String(), "^$"))
	}
	if err := checkTags(c, in.Tags); err != nil {
		return nil, err
	}
	name := *in.RepositoryName
	r := repository{Account: c.Account, Region: c.Region, Name: name, Tags: in.Tags, Shape: shape{
		RepositoryArn: new(c.ARN("ecr", "repository/"+name)), RegistryId: &c.Account, RepositoryName: &name,
		RepositoryUri: new(c.Account + ".dkr.ecr." + c.Region + ".amazonaws.com/" + name), CreatedAt: new(s.Clock.Now().Truncate(time.Second)),
		ImageTagMutability: in.ImageTagMutability, ImageScanningConfiguration: in.ImageScanningConfiguration, EncryptionConfiguration: in.EncryptionConfiguration,
	}}
	if r.Shape.ImageTagMutability == nil {
		r.Shape.ImageTagMutability = new(api.ImageTagMutabilityMutable)
	}
	if r.Shape.ImageScanningConfiguration == nil {
		r.Shape.ImageScanningConfiguration = &api.ImageScanningConfiguration{ScanOnPush: new(false)}
	}
	if r.Shape.EncryptionConfiguration == nil {
		r.Shape.EncryptionConfiguration = &api.EncryptionConfiguration{EncryptionType: new(api.EncryptionTypeAes256)}
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, ok, err := repositories.Get(tx, c.Account, c.Region, name); err != nil || ok {
			if ok {
				return api.RepositoryAlreadyExistsException("The repository with name '%s' already exists in the registry with id '%s'", name, c.Account)
			}
			return err
		}
		return r.put(tx)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateRepositoryOutput{Repository: &r.Shape}, nil
}

func (s *Service) describeRepositories(ctx context.Context, in *api.DescribeRepositoriesInput) (*api.DescribeRepositoriesOutput, error) {
	c := bus.From(ctx)
	if in.RegistryId != nil {
		c.Account = *in.RegistryId
	}
	var all []repository
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		if len(in.RepositoryNames) == 0 {
			all, err = repositories.List(tx, c.Account, c.Region)
			return err
		}
		for _, name := range in.RepositoryNames {
			r, err := find(tx, c, nil, name)
			if err != nil {
				return err
			}
			all = append(all, *r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b repository) int { return strings.Compare(a.Name, b.Name) })
	some, next, err := paging.Cut(all, func(r *repository) string { return r.Name }, in.NextToken, paging.Size(in.MaxResults, 100))
	if err != nil {
		return nil, badToken()
	}
	out := &api.DescribeRepositoriesOutput{Repositories: []api.Repository{}, NextToken: next}
	for _, r := range some {
		out.Repositories = append(out.Repositories, r.Shape)
	}
	return out, nil
}

func (s *Service) deleteRepository(ctx context.Context, in *api.DeleteRepositoryInput) (*api.DeleteRepositoryOutput, error) {
	var r *repository
	err := s.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if r, err = find(tx, bus.From(ctx), in.RegistryId, *in.RepositoryName); err != nil {
			return err
		}
		_, err = repositories.Delete(tx, r.Account, r.Region, r.Name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteRepositoryOutput{Repository: &r.Shape}, nil
}

// look reads a repository of the caller's region.
func (s *Service) look(ctx context.Context, registry, name *string) (r *repository, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) (err error) {
		r, err = find(tx, bus.From(ctx), registry, *name)
		return err
	})
	return r, err
}

// change changes a repository of the caller's region.
func (s *Service) change(ctx context.Context, registry, name *string, f func(*repository) error) (r *repository, err error) {
	err = s.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if r, err = find(tx, bus.From(ctx), registry, *name); err != nil {
			return err
		}
		if err := f(r); err != nil {
			return err
		}
		return r.put(tx)
	})
	return r, err
}

func (s *Service) describeImages(ctx context.Context, in *api.DescribeImagesInput) (*api.DescribeImagesOutput, error) {
	r, err := s.look(ctx, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if len(in.ImageIds) > 0 {
		i, id := in.ImageIds[0], []string{}
		if i.ImageDigest != nil {
			id = append(id, "imageDigest:'"+*i.ImageDigest+"'")
		}
		if i.ImageTag != nil {
			id = append(id, "imageTag:'"+*i.ImageTag+"'")
		}
		return nil, api.ImageNotFoundException("The image with imageId {%s} does not exist within the repository with name '%s' in the registry with id '%s'",
			strings.Join(id, ", "), r.Name, r.Account)
	}
	return &api.DescribeImagesOutput{ImageDetails: []api.ImageDetail{}}, nil
}

func (s *Service) listImages(ctx context.Context, in *api.ListImagesInput) (*api.ListImagesOutput, error) {
	if _, err := s.look(ctx, in.RegistryId, in.RepositoryName); err != nil {
		return nil, err
	}
	return &api.ListImagesOutput{ImageIds: []api.ImageIdentifier{}}, nil
}

func (s *Service) putImageScanningConfiguration(ctx context.Context, in *api.PutImageScanningConfigurationInput) (*api.PutImageScanningConfigurationOutput, error) {
	r, err := s.change(ctx, in.RegistryId, in.RepositoryName, func(r *repository) error {
		r.Shape.ImageScanningConfiguration = in.ImageScanningConfiguration
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.PutImageScanningConfigurationOutput{RegistryId: &r.Account, RepositoryName: &r.Name, ImageScanningConfiguration: r.Shape.ImageScanningConfiguration}, nil
}

func (s *Service) putImageTagMutability(ctx context.Context, in *api.PutImageTagMutabilityInput) (*api.PutImageTagMutabilityOutput, error) {
	r, err := s.change(ctx, in.RegistryId, in.RepositoryName, func(r *repository) error {
		r.Shape.ImageTagMutability = in.ImageTagMutability
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.PutImageTagMutabilityOutput{RegistryId: &r.Account, RepositoryName: &r.Name, ImageTagMutability: r.Shape.ImageTagMutability}, nil
}
