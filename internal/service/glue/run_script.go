package glue

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	s3api "stepwell/internal/awsapi/s3"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/process"
)

// pythonFiles are runscript.py, scan.py and, under modules, the module awsglue.
//
//go:embed python/*.py python/modules/awsglue/*.py
var pythonFiles embed.FS

// outcomeFile is where runscript.py writes the exception that ended a script.
const outcomeFile = "outcome"

// runFault says why a run cannot start: the job's fault, not the server's.
type runFault struct{ message string }

func (f *runFault) Error() string { return f.message }

func fault(format string, args ...any) error { return &runFault{fmt.Sprintf(format, args...)} }

// files are the files of a run.
type files struct {
	dir     string // everything of the run
	lib     string // our Python files
	scripts string // the script and the extra Python files, sys.path[0] of the script
	temp    string // HOME, TMPDIR and working directory
	site    string // where a script's own pip installs to: environments are shared
	script  string
	path    []string // archives for PYTHONPATH
	code    []string // files to look for imports in
	wheels  []string
}

// prepare fetches the run's files, gets an environment for them, and says how
// to run the script.
func (s *Service) prepare(ctx context.Context, rec runRecord, dir string, logs *runLogs) (process.Spec, error) {
	f, err := s.layOut(dir)
	if err != nil {
		return process.Spec{}, err
	}
	if err := s.fetchFiles(ctx, rec, f); err != nil {
		return process.Spec{}, err
	}
	env, err := s.environment(ctx, rec, f, logs)
	if err != nil {
		return process.Spec{}, err
	}
	return process.Spec{
		Path: env.Python, Args: append([]string{filepath.Join(f.lib, "runscript.py"), filepath.Join(dir, outcomeFile), f.script}, arguments(rec)...),
		Env: s.variables(ctx, rec, f, env), Dir: f.temp, Mark: *rec.Run.Id,
		Stdout: logs.out.Write, Stderr: logs.err.Write,
	}, nil
}

// layOut makes the folders of a run, named as on AWS where scripts see them.
func (s *Service) layOut(dir string) (*files, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot prepare job run: %w", err)
	}
	f := &files{
		dir: absolute, lib: filepath.Join(absolute, "lib"), temp: filepath.Join(absolute, "tmp"),
		scripts: filepath.Join(absolute, "glue-python-scripts-"+s.IDs.Hex(4)), site: filepath.Join(absolute, "site"),
	}
	for _, d := range []string{f.temp, f.scripts, f.site} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("cannot prepare job run: %w", err)
		}
	}
	ours, err := fs.Sub(pythonFiles, "python")
	if err == nil {
		err = os.CopyFS(f.lib, ours)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot prepare job run: %w", err)
	}
	return f, nil
}

// argument returns a job argument that Glue itself reads. The documentation
// spells some of them without dashes.
func argument(rec runRecord, name string) string {
	if v, ok := rec.Arguments["--"+name]; ok {
		return v
	}
	return rec.Arguments[name]
}

// fetchFiles gets the script, --extra-py-files and the wheels among
// --additional-python-modules from S3.
func (s *Service) fetchFiles(ctx context.Context, rec runRecord, f *files) error {
	var err error
	if f.script, err = s.fetch(ctx, scriptLocation(rec), f.scripts); err != nil {
		return err
	}
	f.code = []string{f.script}
	for _, u := range listed(argument(rec, "extra-py-files")) {
		file, err := s.fetch(ctx, u, f.scripts)
		if err != nil {
			return err
		}
		switch path.Ext(file) {
		case ".whl":
			f.wheels = append(f.wheels, file)
		case ".egg", ".zip":
			f.path = append(f.path, file)
		}
		f.code = append(f.code, file)
	}
	for _, u := range listed(argument(rec, "additional-python-modules")) {
		if !isS3(u) {
			continue
		}
		file, err := s.fetch(ctx, u, f.scripts)
		if err != nil {
			return err
		}
		f.wheels, f.code = append(f.wheels, file), append(f.code, file)
	}
	return nil
}

func scriptLocation(rec runRecord) string {
	if l := argument(rec, "scriptLocation"); l != "" {
		return l
	}
	return text(rec.Command.ScriptLocation)
}

func listed(value string) []string {
	var items []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func isS3(u string) bool { _, _, ok := splitS3(u); return ok }

func splitS3(u string) (bucket, key string, ok bool) {
	scheme, rest, found := strings.Cut(u, "://")
	if !found || scheme != "s3" && scheme != "s3a" && scheme != "s3n" {
		return "", "", false
	}
	bucket, key, _ = strings.Cut(rest, "/")
	return bucket, key, true
}

// fetch copies an object of S3 into a folder under the last part of its key.
func (s *Service) fetch(ctx context.Context, u, dir string) (string, error) {
	bucket, key, ok := splitS3(u)
	name := path.Base(key)
	if !ok || bucket == "" || key == "" || name == "." || name == ".." || name == "/" {
		return "", fault("Invalid S3 location: %s", u)
	}
	object, err := bus.Invoke[s3api.GetObjectOutput](ctx, s.Bus, "s3", "GetObject", &s3api.GetObjectInput{Bucket: &bucket, Key: &key})
	if e := awserr.From(err); e != nil {
		return "", fault("Error downloading from S3 for bucket: %s, key: %s. %s", bucket, key, e.Message)
	}
	if err != nil {
		return "", err
	}
	defer object.Body.Close()
	file, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return "", fmt.Errorf("cannot prepare job run: %w", err)
	}
	if _, err := io.Copy(file, object.Body); err != nil {
		file.Close()
		return "", fmt.Errorf("cannot copy %s: %w", u, err)
	}
	return file.Name(), file.Close()
}

// environment gets the Python environment that the run's code needs.
func (s *Service) environment(ctx context.Context, rec runRecord, f *files, logs *runLogs) (*process.Environment, error) {
	required := process.Requirements{Wheels: f.wheels, Pip: strings.Fields(argument(rec, "python-modules-installer-option"))}
	for _, m := range listed(argument(rec, "additional-python-modules")) {
		if !isS3(m) {
			required.Packages = append(required.Packages, m)
		}
	}
	list := s.libraries.of(argument(rec, "library-set"))
	found, err := s.scan(ctx, f, list)
	if err != nil {
		return nil, missingPython(err)
	}
	required.Installer = slices.Contains(found.Texts, installerText)
	required.Packages = append(required.Packages, found.needs(list, slices.Concat(required.Packages, f.wheels))...)
	env, err := s.Environments.Get(ctx, required, nil)
	if failure := (*process.BuildError)(nil); errors.As(err, &failure) {
		for line := range strings.SplitSeq(failure.Output, "\n") {
			logs.err.Write(line)
		}
		return nil, fault("Failed to %s: %s", failure.Step, failure.Result)
	}
	return env, missingPython(err)
}

// installerText in the code is taken for a sign that it runs pip.
const installerText = "pip"

// missingPython makes the lack of a Python the run's fault, with the remedy.
func missingPython(err error) error {
	if missing := (*process.MissingError)(nil); errors.As(err, &missing) {
		return fault("%v", missing)
	}
	return err
}

// scan finds out what the code imports.
func (s *Service) scan(ctx context.Context, f *files, list []library) (found scanned, err error) {
	python, err := s.Environments.Python(ctx)
	if err != nil {
		return found, err
	}
	var out, errs strings.Builder
	r, err := process.Run(ctx, process.Spec{
		Path: python.Path, Env: []string{"PATH=/usr/bin:/bin"},
		Args:   append([]string{"-I", filepath.Join(f.lib, "scan.py"), strings.Join(append(texts(list), installerText), ",")}, f.code...),
		Stdout: func(l string) { out.WriteString(l) },
		Stderr: func(l string) { errs.WriteString(l + "\n") },
	})
	if err != nil {
		return found, err
	}
	if r != (process.Result{}) {
		return found, fmt.Errorf("cannot scan the job's code: %v: %s", r, errs.String())
	}
	return found, json.Unmarshal([]byte(out.String()), &found)
}

// arguments are the script's, in a stable order: the job's and the run's, and
// what Glue adds for a Python shell job. An empty value is left out, as on AWS.
func arguments(rec runRecord) []string {
	all := maps.Clone(rec.Arguments)
	for name, value := range map[string]string{
		"--scriptLocation": scriptLocation(rec), "--job-language": "python", "--job-bookmark-option": "job-bookmark-disable",
	} {
		if _, given := all[name]; !given {
			all[name] = value
		}
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if list = append(list, name); all[name] != "" {
			list = append(list, all[name])
		}
	}
	return list
}

// variables are the script's environment: what it needs to reach this server
// as its account, and nothing of the server's own.
func (s *Service) variables(ctx context.Context, rec runRecord, f *files, env *process.Environment) []string {
	self := bus.Caller{Account: rec.Caller.Account}
	self.Principal, _ = bus.AssumedRole(rec.Caller.Principal, "GlueJobRunnerSession")
	id, secret := s.Credentials(ctx, self)
	list := []string{
		"PATH=" + env.Bin + ":/usr/local/bin:/usr/bin:/bin",
		"PYTHONPATH=" + strings.Join(slices.Concat(f.path, []string{f.site, filepath.Join(f.lib, "modules")}), string(os.PathListSeparator)),
		"PIP_TARGET=" + f.site,
		"PYTHONUNBUFFERED=1",
		"HOME=" + f.temp, "TMPDIR=" + f.temp, "LANG=C.UTF-8", "TZ=UTC",
		"AWS_ACCESS_KEY_ID=" + id, "AWS_SECRET_ACCESS_KEY=" + secret,
		"AWS_REGION=" + rec.Caller.Region, "AWS_DEFAULT_REGION=" + rec.Caller.Region,
		"AWS_ENDPOINT_URL=" + s.EndpointURL(), "AWS_EC2_METADATA_DISABLED=true", "AWS_DISABLE_HOST_PREFIX_INJECTION=true",
		fmt.Sprintf("GLUE_PYTHON_VERSION=%d.%d", env.Base.Major, env.Base.Minor),
		"GLUE_VERSION=" + text(rec.Run.GlueVersion),
	}
	if s.CABundle != "" {
		list = append(list, "SSL_CERT_FILE="+s.CABundle)
	}
	return list
}
