package lambda

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stepwell/internal/bus"
	"stepwell/internal/process"
)

// launch says how a function's runtime is started.
type launch struct {
	path    string
	args    []string
	bins    []string // in front of PATH
	modules []string // folders of PYTHONPATH; none: not Python
	env     []string // beside what all runtimes have
	shown   []string // paths in traces, each followed by what it is on AWS
	runtime string   // a folder with bin that can be /var/lang; "": there is none
	name    string   // what INIT_START calls it, e.g. "python:3.11.7"
}

// launchError is why a runtime cannot start: the function's fault. It is what
// the invocation answers.
type launchError struct{ kind, message string }

func (e *launchError) Error() string { return e.kind + ": " + e.message }

// supported refuses runtimes that do not run here. Functions of such a runtime
// are not created, so that nothing looks as if it could run.
func supported(runtime string) error {
	if strings.HasPrefix(runtime, "python3.") || nodeRuntime.MatchString(runtime) || strings.HasPrefix(runtime, "provided") || runtime == "go1.x" {
		return nil
	}
	return notImplemented("runtime %s", runtime)
}

// pythonPackages are what AWS's Python runtimes have beside the standard library.
var pythonPackages = []string{"awslambdaric", "boto3"}

// launch finds the program that runs the function's code; preparing it may
// take long the first time.
func (s *Service) launch(ctx context.Context, f *function, task, opt string) (*launch, error) {
	runtime := value(f.Config.Runtime)
	if strings.HasPrefix(runtime, "python3.") {
		return s.launchPython(ctx, runtime, task, opt, value(f.Config.Handler))
	}
	if strings.HasPrefix(runtime, "nodejs") {
		return s.launchNode(ctx, runtime, task, opt, value(f.Config.Handler))
	}
	dirs := []string{task}
	if opt != "" {
		dirs = append(dirs, opt)
	}
	for _, dir := range dirs {
		bootstrap := filepath.Join(dir, "bootstrap")
		info, err := os.Stat(bootstrap)
		if err != nil || info.IsDir() {
			continue
		}
		if info.Mode()&0o111 == 0 {
			return nil, &launchError{"Runtime.InvalidEntrypoint", "Error: fork/exec /var/task/bootstrap: permission denied"}
		}
		return &launch{path: bootstrap, name: runtime}, nil
	}
	return nil, &launchError{"Runtime.InvalidEntrypoint", "Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}
}

func (s *Service) launchPython(ctx context.Context, runtime, task, opt, handler string) (*launch, error) {
	env, err := s.Environments.Get(ctx, process.Requirements{Packages: pythonPackages}, nil)
	if failure := (*process.BuildError)(nil); errors.As(err, &failure) {
		return nil, fmt.Errorf("cannot build the Python environment of functions: %w", err)
	}
	if err != nil {
		return nil, err
	}
	s.said.Do(func() {
		s.Log.Info("Lambda's Python runtimes run on the machine's Python", "asked", runtime, "python", env.Base.Version, "path", env.Base.Path)
	})
	path := []string{task}
	if opt != "" {
		path = append(path, filepath.Join(opt, "python"),
			filepath.Join(opt, "python", "lib", fmt.Sprintf("python%d.%d", env.Base.Major, env.Base.Minor), "site-packages"))
		if named := filepath.Join(opt, "python", "lib", runtime, "site-packages"); !slices.Contains(path, named) {
			path = append(path, named)
		}
	}
	return &launch{
		path: env.Python, args: []string{"-m", "awslambdaric", handler}, name: "python:" + env.Base.Version,
		bins: []string{env.Bin}, modules: path, runtime: filepath.Dir(env.Bin),
	}, nil
}

// reserved are the variables that a function cannot set (developer guide,
// "Defined runtime environment variables").
var reserved = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
	"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// environment is the whole environment of a worker: what AWS's runtimes have,
// what reaches this server, and what the function sets.
func (w *worker) environment(l *launch, own map[string]string) []string {
	c, s := w.f.Config, w.s
	self := bus.Caller{Account: w.at.Account}
	self.Principal, _ = bus.AssumedRole(value(c.Role), *c.FunctionName)
	id, secret := s.Credentials(w.ctx, self)
	path := append(slices.Clone(l.bins), "/usr/local/bin", "/usr/bin", "/bin")
	libraries := []string{filepath.Join(w.task), filepath.Join(w.task, "lib")}
	if w.opt != "" {
		path = append(path, filepath.Join(w.opt, "bin"))
		libraries = append(libraries, filepath.Join(w.opt, "lib"))
	}
	list := []string{
		"PATH=" + strings.Join(path, ":"), "LD_LIBRARY_PATH=" + strings.Join(libraries, ":"),
		"HOME=" + w.temp, "TMPDIR=" + w.temp, "PIP_TARGET=" + w.site, "LANG=C.UTF-8", "TZ=:UTC",
		"AWS_ACCESS_KEY_ID=" + id, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_REGION=" + w.at.Region, "AWS_DEFAULT_REGION=" + w.at.Region,
		"AWS_ENDPOINT_URL=" + s.EndpointURL(), "AWS_EC2_METADATA_DISABLED=true", "AWS_DISABLE_HOST_PREFIX_INJECTION=true",
		"AWS_EXECUTION_ENV=AWS_Lambda_" + value(c.Runtime), "AWS_LAMBDA_FUNCTION_NAME=" + *c.FunctionName,
		"AWS_LAMBDA_FUNCTION_VERSION=" + *c.Version, fmt.Sprintf("AWS_LAMBDA_FUNCTION_MEMORY_SIZE=%d", *c.MemorySize),
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand", "AWS_LAMBDA_LOG_GROUP_NAME=" + w.log.group, "AWS_LAMBDA_LOG_STREAM_NAME=" + w.log.name,
		"AWS_LAMBDA_RUNTIME_API=" + w.api.address, "LAMBDA_TASK_ROOT=" + w.task, "LAMBDA_RUNTIME_DIR=/var/runtime", "_HANDLER=" + value(c.Handler),
	}
	if logging := c.LoggingConfig; logging != nil && value(logging.LogFormat) == "JSON" {
		list = append(list, "AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL="+value(logging.ApplicationLogLevel))
	}
	if s.CABundle != "" {
		list = append(list, "SSL_CERT_FILE="+s.CABundle)
	}
	list = append(list, l.env...)
	modules := append(slices.Clone(l.modules), w.site)
	for name, v := range own {
		if name == "PYTHONPATH" {
			modules = append(modules, v)
			continue
		}
		list = append(list, name+"="+v)
	}
	if len(l.modules) > 0 {
		list = append(list, "PYTHONPATH="+strings.Join(modules, string(os.PathListSeparator)))
	}
	return list
}
