package lambda

import (
	"cmp"
	"context"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// changes are the parts of a configuration that are checked alike when a
// function is created and when it is changed.
type changes struct {
	deadLetter  *api.DeadLetterConfig
	environment *api.Environment
	layers      []string
	vpc         *api.VpcConfig
}

// maxEnvironment is how many bytes names and values of variables may have together.
const maxEnvironment = 4096

// configure checks and applies changes.
func (s *Service) configure(ctx context.Context, f *function, c changes) error {
	if c.vpc != nil {
		f.Config.VpcConfig = &api.VpcConfigResponse{SubnetIds: c.vpc.SubnetIds, SecurityGroupIds: c.vpc.SecurityGroupIds,
			VpcId: new(""), Ipv6AllowedForDualStack: new(value(c.vpc.Ipv6AllowedForDualStack))}
	}
	if c.deadLetter != nil {
		if err := s.checkDestination(c.deadLetter.TargetArn); err != nil {
			return err
		}
		f.Config.DeadLetterConfig = c.deadLetter
		if value(c.deadLetter.TargetArn) == "" {
			f.Config.DeadLetterConfig = nil
		}
	}
	if c.environment != nil {
		if err := checkVariables(c.environment.Variables); err != nil {
			return err
		}
		if err := s.setVariables(f, c.environment.Variables); err != nil {
			return err
		}
	}
	if c.layers != nil {
		return s.setLayers(ctx, f, c.layers)
	}
	return nil
}

func checkVariables(all map[string]string) error {
	size := 0
	var taken []string
	for name, v := range all {
		size += len(name) + len(v)
		if slices.Contains(reserved, name) {
			taken = append(taken, name)
		}
	}
	const unable = "Lambda was unable to configure your environment variables because the environment variables you have provided "
	switch {
	case len(taken) > 0:
		slices.Sort(taken)
		return invalid(unable+"contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(taken, ", "))
	case size > maxEnvironment:
		return invalid(unable + "exceeded the 4KB limit.")
	}
	return nil
}

// setLayers gives a function its layers.
func (s *Service) setLayers(ctx context.Context, f *function, arns []string) error {
	f.Config.Layers, f.Layers = nil, nil
	return s.Store.View(ctx, func(tx *store.Tx) error {
		for _, arn := range arns {
			a, _ := bus.ParseARN(arn)
			parts := strings.Split(a.Resource, ":")
			if len(parts) != 3 {
				return invalid("Layer version %s does not exist.", arn)
			}
			l, there, err := layers.Get(tx, a.Account, a.Region, parts[1], versionKey(parts[2]))
			if err != nil || !there {
				return cmp.Or[error](err, invalid("Layer version %s does not exist.", arn))
			}
			f.Config.Layers = append(f.Config.Layers, api.Layer{Arn: &arn, CodeSize: l.Output.Content.CodeSize})
			f.Layers = append(f.Layers, l.Code)
		}
		return nil
	})
}

// change changes $LATEST: act makes the new record of the one that was there.
func (s *Service) change(ctx context.Context, name string, revision *string, publish bool, act func(*function) error) (*function, error) {
	to, err := refer(ctx, name, nil)
	if err != nil {
		return nil, err
	}
	if to.Qualifier != "" && to.Qualifier != latest {
		return nil, invalid("This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.")
	}
	to.Qualifier = ""
	var f *function
	if err := s.Store.View(ctx, func(tx *store.Tx) error { f, err = find(tx, to, nil); return err }); err != nil {
		return nil, err
	}
	was := *f.Config.RevisionId
	if revision != nil && *revision != was {
		return nil, revisionChanged()
	}
	defer s.files.hold()()
	if err := act(f); err != nil {
		return nil, err
	}
	s.touch(f)
	c := &f.Config
	c.LastUpdateStatus, c.LastUpdateStatusReason = new(api.LastUpdateStatusInProgress), new("The function is being updated.")
	c.LastUpdateStatusReasonCode = nil
	var published *function
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		now, there, err := functions.Get(tx, to.key(to.Name, latest)...)
		if err != nil || !there {
			return cmp.Or[error](err, functionNotFound(to))
		}
		if *now.Config.RevisionId != was {
			return user(api.ResourceConflictException("The operation cannot be performed at this time. An update is in progress for resource: %s", to.unqualified()))
		}
		if err := s.putLatest(tx, to, f); err != nil || !publish {
			return err
		}
		published, err = s.publish(tx, to, f, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.pool.retire(to.unqualified())
	if published != nil {
		return published, nil
	}
	return f, nil
}

func (s *Service) updateFunctionCode(ctx context.Context, r *api.UpdateFunctionCodeInput) (*api.UpdateFunctionCodeOutput, error) {
	if value(r.ImageUri) != "" {
		return nil, notImplemented("container images (ImageUri)")
	}
	from := source{r.ZipFile, r.S3Bucket, r.S3Key, r.S3ObjectVersion}
	act := func(f *function) error {
		if len(r.Architectures) > 0 {
			f.Config.Architectures = r.Architectures
		}
		return s.setCode(ctx, f, from)
	}
	var f *function
	var err error
	if value(r.DryRun) {
		f, _, _, err = s.read(ctx, *r.FunctionName, nil)
		if err == nil {
			err = act(f)
		}
	} else {
		f, err = s.change(ctx, *r.FunctionName, r.RevisionId, value(r.Publish), act)
	}
	if err != nil {
		return nil, err
	}
	c, err := s.configuration(f)
	return (*api.UpdateFunctionCodeOutput)(c), err
}

func (s *Service) updateFunctionConfiguration(ctx context.Context, r *api.UpdateFunctionConfigurationInput) (*api.UpdateFunctionConfigurationOutput, error) {
	switch {
	case len(r.FileSystemConfigs) > 0:
		return nil, notImplemented("file systems (FileSystemConfigs)")
	case r.ImageConfig != nil:
		return nil, notImplemented("container images (ImageConfig)")
	case r.SnapStart != nil && value(r.SnapStart.ApplyOn) == api.SnapStartApplyOnPublishedVersions:
		return nil, notImplemented("SnapStart")
	case r.Runtime != nil:
		if err := supported(*r.Runtime); err != nil {
			return nil, err
		}
	}
	f, err := s.change(ctx, *r.FunctionName, r.RevisionId, false, func(f *function) error {
		c := &f.Config
		prefer(&c.Role, r.Role)
		prefer(&c.Handler, r.Handler)
		prefer(&c.Description, r.Description)
		prefer(&c.Timeout, r.Timeout)
		prefer(&c.MemorySize, r.MemorySize)
		prefer(&c.Runtime, r.Runtime)
		prefer(&c.KMSKeyArn, r.KMSKeyArn)
		prefer(&c.EphemeralStorage, r.EphemeralStorage)
		if r.TracingConfig != nil {
			c.TracingConfig = &api.TracingConfigResponse{Mode: r.TracingConfig.Mode}
		}
		logging(c, r.LoggingConfig)
		return s.configure(ctx, f, changes{r.DeadLetterConfig, r.Environment, r.Layers, r.VpcConfig})
	})
	if err != nil {
		return nil, err
	}
	c, err := s.configuration(f)
	return (*api.UpdateFunctionConfigurationOutput)(c), err
}
