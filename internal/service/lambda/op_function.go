package lambda

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"os"
	"strings"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// maxZip is how large an archive in a request may be, in bytes (Lambda quotas).
const maxZip = 50 << 20

// createFunction keeps a function; it becomes Active once its code is unpacked
// and its runtime is there.
func (s *Service) createFunction(ctx context.Context, r *api.CreateFunctionInput) (*api.CreateFunctionOutput, error) {
	to, err := refer(ctx, *r.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	if err := checkCreate(r); err != nil {
		return nil, err
	}
	if err := checkTags(bus.From(ctx), r.Tags); err != nil {
		return nil, err
	}
	f := &function{Config: newConfig(to, r)}
	if err := s.configure(ctx, f, changes{
		deadLetter: r.DeadLetterConfig, environment: r.Environment, layers: r.Layers, vpc: r.VpcConfig,
	}); err != nil {
		return nil, err
	}
	defer s.files.hold()()
	if err := s.setCode(ctx, f, source{r.Code.ZipFile, r.Code.S3Bucket, r.Code.S3Key, r.Code.S3ObjectVersion}); err != nil {
		return nil, err
	}
	c := &f.Config
	c.State, c.StateReason, c.StateReasonCode = new(api.StatePending), new("The function is being created."), new(api.StateReasonCodeCreating)
	s.touch(f)
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, there, err := functions.Get(tx, to.key(to.Name, latest)...); err != nil || there {
			return cmp.Or[error](err, functionExists(to.Name))
		}
		set := setting{Tags: r.Tags}
		if err := settings.Put(tx, set, to.key(to.Name)...); err != nil {
			return err
		}
		if err := s.putLatest(tx, to, f); err != nil || !value(r.Publish) {
			return err
		}
		f, err = s.publish(tx, to, f, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.show(f, func(c *api.FunctionConfiguration) *api.CreateFunctionOutput { return (*api.CreateFunctionOutput)(c) })
}

// checkCreate refuses what cannot be a function here.
func checkCreate(r *api.CreateFunctionInput) error {
	switch {
	case value(r.PackageType) == api.PackageTypeImage || value(r.Code.ImageUri) != "":
		return notImplemented("container images (PackageType Image)")
	case r.Runtime == nil || r.Handler == nil:
		return invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	case r.CodeSigningConfigArn != nil:
		return notImplemented("code signing (CodeSigningConfigArn)")
	case len(r.FileSystemConfigs) > 0:
		return notImplemented("file systems (FileSystemConfigs)")
	case r.ImageConfig != nil:
		return notImplemented("container images (ImageConfig)")
	case r.SnapStart != nil && value(r.SnapStart.ApplyOn) == api.SnapStartApplyOnPublishedVersions:
		return notImplemented("SnapStart")
	case len(r.Tags) > maxTags:
		return invalid("Too many tags. The maximum number of tags is %d.", maxTags)
	}
	return supported(*r.Runtime)
}

// newConfig is the configuration of a new function with AWS's defaults.
func newConfig(to ref, r *api.CreateFunctionInput) api.FunctionConfiguration {
	c := api.FunctionConfiguration{
		FunctionName: &to.Name, FunctionArn: new(to.unqualified()), Runtime: r.Runtime, Role: r.Role, Handler: r.Handler,
		Description: new(""), Timeout: new(int64(3)), MemorySize: new(int64(128)), Version: new(latest),
		TracingConfig: &api.TracingConfigResponse{Mode: new(api.TracingModePassThrough)}, KMSKeyArn: r.KMSKeyArn,
		PackageType: new(api.PackageTypeZip), Architectures: []string{api.ArchitectureX8664}, EphemeralStorage: &api.EphemeralStorage{Size: new(int64(512))},
		SnapStart:     &api.SnapStartResponse{ApplyOn: new(api.SnapStartApplyOnNone), OptimizationStatus: new(api.SnapStartOptimizationStatusOff)},
		LoggingConfig: &api.LoggingConfig{LogFormat: new(api.LogFormatText), LogGroup: new("/aws/lambda/" + to.Name)},
	}
	prefer(&c.Description, r.Description)
	prefer(&c.Timeout, r.Timeout)
	prefer(&c.MemorySize, r.MemorySize)
	prefer(&c.EphemeralStorage, r.EphemeralStorage)
	if len(r.Architectures) > 0 {
		c.Architectures = r.Architectures
	}
	if r.TracingConfig != nil {
		prefer(&c.TracingConfig.Mode, r.TracingConfig.Mode)
	}
	logging(&c, r.LoggingConfig)
	return c
}

// logging sets what a request says of the function's log.
func logging(c *api.FunctionConfiguration, given *api.LoggingConfig) {
	if given == nil {
		return
	}
	l := *c.LoggingConfig
	prefer(&l.LogFormat, given.LogFormat)
	prefer(&l.LogGroup, given.LogGroup)
	prefer(&l.ApplicationLogLevel, given.ApplicationLogLevel)
	prefer(&l.SystemLogLevel, given.SystemLogLevel)
	if *l.LogFormat == api.LogFormatJson {
		for _, level := range []**string{&l.ApplicationLogLevel, &l.SystemLogLevel} {
			if *level == nil {
				*level = new("INFO")
			}
		}
	}
	c.LoggingConfig = &l
}

// setCode fetches, checks and keeps the code of a function.
func (s *Service) setCode(ctx context.Context, f *function, from source) error {
	data, err := s.fetch(ctx, from)
	if err != nil {
		return err
	}
	if len(data) > maxZip && from.zip != nil {
		return invalid("Request must be smaller than %d bytes for the CreateFunction operation", maxZip*4/3)
	}
	if f.Code, err = s.files.keep(data); err != nil {
		return err
	}
	f.Config.CodeSize, f.Config.CodeSha256 = new(int64(len(data))), new(sha(f.Code))
	return nil
}

// sha is the name of an archive as Lambda shows hashes.
func sha(hash string) string {
	sum, err := hex.DecodeString(hash)
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(sum)
}

// touch marks a change.
func (s *Service) touch(f *function) {
	f.Config.RevisionId, f.Config.LastModified = new(s.IDs.UUID()), s.stamp()
}

// putLatest writes $LATEST and has it prepared.
func (s *Service) putLatest(tx *store.Tx, to ref, f *function) error {
	if err := functions.Put(tx, *f, to.key(to.Name, latest)...); err != nil {
		return err
	}
	return s.submitPreparation(tx, to.scope, f)
}

// show is a function's configuration with its environment.
func (s *Service) configuration(f *function) (*api.FunctionConfiguration, error) {
	all, err := s.variables(f)
	if err != nil {
		return nil, err
	}
	c := f.Config
	if all != nil {
		c.Environment = &api.EnvironmentResponse{Variables: all}
	}
	return &c, nil
}

func (s *Service) show(f *function, as func(*api.FunctionConfiguration) *api.CreateFunctionOutput) (*api.CreateFunctionOutput, error) {
	c, err := s.configuration(f)
	if err != nil {
		return nil, err
	}
	return as(c), nil
}

// read finds a version and what its function's versions share.
func (s *Service) read(ctx context.Context, name string, qualifier *string) (f *function, to ref, set setting, err error) {
	if to, err = refer(ctx, name, qualifier); err != nil {
		return nil, to, set, err
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		if f, err = find(tx, to, nil); err != nil {
			return err
		}
		set, _, err = settings.Get(tx, to.key(to.Name)...)
		return err
	})
	if err == nil && to.Qualifier != "" {
		f.Config.FunctionArn = new(to.arn())
	}
	return f, to, set, err
}

func (s *Service) getFunction(ctx context.Context, r *api.GetFunctionInput) (*api.GetFunctionOutput, error) {
	f, _, set, err := s.read(ctx, *r.FunctionName, r.Qualifier)
	if err != nil {
		return nil, err
	}
	c, err := s.configuration(f)
	if err != nil {
		return nil, err
	}
	where, err := s.download.url(s.files.zip(f.Code))
	if err != nil {
		return nil, err
	}
	out := &api.GetFunctionOutput{Configuration: c, Code: &api.FunctionCodeLocation{RepositoryType: new("S3"), Location: &where}, Tags: set.Tags}
	if set.Reserved != nil {
		out.Concurrency = &api.Concurrency{ReservedConcurrentExecutions: set.Reserved}
	}
	return out, nil
}

func (s *Service) getFunctionConfiguration(ctx context.Context, r *api.GetFunctionConfigurationInput) (*api.GetFunctionConfigurationOutput, error) {
	f, _, _, err := s.read(ctx, *r.FunctionName, r.Qualifier)
	if err != nil {
		return nil, err
	}
	c, err := s.configuration(f)
	return (*api.GetFunctionConfigurationOutput)(c), err
}

func (s *Service) listFunctions(ctx context.Context, r *api.ListFunctionsInput) (*api.ListFunctionsOutput, error) {
	to, err := refer(ctx, "all", nil)
	if err != nil {
		return nil, err
	}
	out := &api.ListFunctionsOutput{Functions: []api.FunctionConfiguration{}}
	all := value(r.FunctionVersion) == api.FunctionVersionAll
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		list, next, err := page(tx, functions, r.Marker, r.MaxItems, 50, to.key()...)
		if err != nil {
			return err
		}
		out.NextMarker = next
		for i := range list {
			if !all && *list[i].Config.Version != latest {
				continue
			}
			c, err := s.configuration(&list[i])
			if err != nil {
				return err
			}
			if all {
				c.FunctionArn = new(*c.FunctionArn + suffix(*c))
			}
			out.Functions = append(out.Functions, *c)
		}
		return nil
	})
}

// suffix is ":$LATEST" where a list of versions wants it: numbered ones have theirs.
func suffix(c api.FunctionConfiguration) string {
	if *c.Version == latest && !strings.HasSuffix(*c.FunctionArn, latest) {
		return ":" + latest
	}
	return ""
}

// deleteFunction deletes a function with all that belongs to it, or a version.
func (s *Service) deleteFunction(ctx context.Context, r *api.DeleteFunctionInput) (*api.DeleteFunctionOutput, error) {
	to, err := refer(ctx, *r.FunctionName, r.Qualifier)
	if err != nil {
		return nil, err
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, there, err := functions.Get(tx, to.key(to.Name, versionKey(qualifierKey(to.Qualifier)))...); err != nil || !there {
			return cmp.Or[error](err, functionNotFound(to))
		}
		if to.Qualifier != "" {
			return deleteVersion(tx, to)
		}
		for _, delete := range []func() error{
			func() error { return functions.DeleteAll(tx, to.key(to.Name)...) },
			func() error { return aliases.DeleteAll(tx, to.key(to.Name)...) },
			func() error { return eventConfigs.DeleteAll(tx, to.key(to.Name)...) },
			func() error { return forgetURLs(tx, to) },
			func() error { return policies.DeleteAll(tx, to.unqualified()) },
			func() error { _, err := settings.Delete(tx, to.key(to.Name)...); return err },
		} {
			if err := delete(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.pool.retire(to.arn())
	return &api.DeleteFunctionOutput{}, s.sweep(ctx)
}

func deleteVersion(tx *store.Tx, to ref) error {
	if to.Qualifier == latest {
		return invalid("$LATEST version cannot be deleted without deleting the function.")
	}
	list, err := aliases.List(tx, to.key(to.Name)...)
	if err != nil {
		return err
	}
	var users []string
	for _, a := range list {
		if *a.FunctionVersion == to.Qualifier || a.RoutingConfig != nil && a.RoutingConfig.AdditionalVersionWeights[to.Qualifier] > 0 {
			users = append(users, *a.Name)
		}
	}
	if len(users) > 0 {
		return user(api.ResourceConflictException("Version cannot be deleted because it's being referenced by aliases: [%s]", strings.Join(users, ", ")))
	}
	if err := policies.DeleteAll(tx, to.unqualified(), to.Qualifier); err != nil {
		return err
	}
	_, err = functions.Delete(tx, to.key(to.Name, versionKey(to.Qualifier))...)
	return err
}

// sweep removes archives that no function and no layer names any more.
func (s *Service) sweep(ctx context.Context) error {
	s.files.named.Lock()
	defer s.files.named.Unlock()
	used := map[string]bool{}
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		list, err := functions.List(tx)
		for _, f := range list {
			used[f.Code] = true
			for _, hash := range f.Layers {
				used[hash] = true
			}
		}
		if err != nil {
			return err
		}
		known, err := layers.List(tx)
		for _, l := range known {
			used[l.Code] = true
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, hash := range s.files.names() {
		if used[hash] {
			continue
		}
		if err := s.files.remove(hash); err != nil && !os.IsNotExist(err) {
			s.Log.Warn("cannot remove the code of a deleted function", "code", hash, "error", err)
		}
	}
	return nil
}
