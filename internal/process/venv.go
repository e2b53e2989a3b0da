package process

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// EnvironmentsOptions say where environments live and what they are made with.
type EnvironmentsOptions struct {
	CacheDir string   // directory; created when needed, shared between servers
	Python   []string // names or paths of interpreters to try; empty means PATH
}

// Environments builds Python virtual environments and folders of Node.js
// packages and keeps them, each under a name made of what is in it. Builders in this and in other processes share
// one build; what a killed builder left is removed.
type Environments struct {
	options EnvironmentsOptions
	mu      sync.Mutex
	python  Python
	checked bool // CheckVenv succeeded for python
	node    Node
}

// NewEnvironments returns an Environments; nothing is touched before Get.
func NewEnvironments(o EnvironmentsOptions) *Environments { return &Environments{options: o} }

// Requirements are what an environment holds beside the standard library.
// Without any, no package installer runs and no network is needed.
type Requirements struct {
	Packages []string // PEP 508, e.g. "boto3>=1.28"; order does not matter
	Wheels   []string // paths of .whl files
	Pip      []string // further arguments of "pip install", e.g. an index

	Installer bool // pip itself is wanted, for code that installs at run time
}

// installs reports whether pip has something to install.
func (r Requirements) installs() bool { return len(r.Packages) > 0 || len(r.Wheels) > 0 }

// pip reports whether the environment has pip.
func (r Requirements) pip() bool { return r.installs() || r.Installer }

// Environment is a virtual environment that is ready.
type Environment struct {
	Dir    string
	Bin    string // directory of its programs
	Python string // its interpreter
	Base   Python // the interpreter it was made with
	Built  bool   // this call built it
}

// BuildError says that an environment could not be built.
type BuildError struct {
	Step   string // e.g. "install boto3>=1.28"
	Result string // e.g. "exit code 1"
	Log    string // path of the full output
	Output string // the end of the output
}

func (e *BuildError) Error() string {
	return fmt.Sprintf("cannot %s: %s\n%s", e.Step, e.Result, e.Output)
}

// Python returns the interpreter that environments are made with.
func (e *Environments) Python(ctx context.Context) (Python, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.python.Path != "" {
		if _, err := os.Stat(e.python.Path); err == nil {
			return e.python, nil
		}
	}
	p, err := FindPython(ctx, e.options.Python...)
	if err != nil {
		return Python{}, err
	}
	e.python, e.checked = p, false
	return p, nil
}

func (e *Environments) checkVenv(ctx context.Context, p Python) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.checked && e.python == p {
		return nil
	}
	if err := CheckVenv(ctx, p); err != nil {
		return err
	}
	e.checked = e.python == p
	return nil
}

// Get returns an environment that satisfies the requirements, building it when
// there is none. progress, when not nil, receives the builder's output lines.
// Errors are a *MissingError, a *BuildError, ctx's, or of the file system.
func (e *Environments) Get(ctx context.Context, r Requirements, progress func(line string)) (*Environment, error) {
	base, err := e.Python(ctx)
	if err != nil {
		return nil, err
	}
	name, err := environmentName(base, r)
	if err != nil {
		return nil, err
	}
	root, err := filepath.Abs(filepath.Join(e.options.CacheDir, "python"))
	if err == nil {
		err = os.MkdirAll(root, 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot build Python environment: %w", err)
	}
	env := &Environment{Dir: filepath.Join(root, name), Base: base}
	env.Bin = filepath.Join(env.Dir, "bin")
	env.Python = filepath.Join(env.Bin, "python")
	if env.ready() {
		return env, nil
	}
	unlock, err := lock(ctx, env.Dir+".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if env.ready() { // built while this one waited
		return env, nil
	}
	if r.pip() {
		if err := e.checkVenv(ctx, base); err != nil {
			return nil, err
		}
	}
	if err := env.build(ctx, r, progress); err != nil {
		if missing := CheckVenv(ctx, base); missing != nil && !r.pip() {
			return nil, missing // the module venv itself
		}
		return nil, err
	}
	env.Built = true
	return env, nil
}

// marker is the file that says an environment is complete; it is written last.
const marker = "stepwell-environment.json"

func (env *Environment) ready() bool {
	if _, err := os.Stat(filepath.Join(env.Dir, marker)); err != nil {
		return false
	}
	_, err := os.Stat(env.Python) // a link to an interpreter that may be gone
	return err == nil
}

// build makes the environment in its final place, where its scripts need to
// know it to be, and marks it when it is complete. The caller holds the lock.
func (env *Environment) build(ctx context.Context, r Requirements, progress func(string)) (err error) {
	mark := "environment " + env.Dir // another cache may have one of the same name
	KillLeft(mark)
	if err := os.RemoveAll(env.Dir); err != nil {
		return fmt.Errorf("cannot remove unfinished Python environment: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(env.Dir))
		}
	}()
	log, err := os.Create(env.Dir + ".log")
	if err != nil {
		return fmt.Errorf("cannot build Python environment: %w", err)
	}
	defer log.Close()
	b := &builder{log: log, progress: progress, mark: mark, env: append(pythonEnvironment(), "PYTHONUNBUFFERED=1")}
	create := []string{"-I", "-m", "venv", "--symlinks"}
	if !r.pip() {
		create = append(create, "--without-pip")
	}
	if err := b.run(ctx, "create a Python environment", env.Base.Path, append(create, env.Dir)); err != nil {
		return err
	}
	if r.installs() {
		install := []string{"-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--prefer-binary"}
		install = append(append(append(install, r.Pip...), r.Wheels...), r.Packages...)
		what := append(baseNames(r.Wheels), r.Packages...)
		if err := b.run(ctx, "install "+strings.Join(what, ", "), env.Python, install); err != nil {
			return err
		}
	}
	return env.mark(r)
}

func (env *Environment) mark(r Requirements) error {
	text, err := json.MarshalIndent(map[string]any{"python": env.Base, "packages": r.Packages, "wheels": baseNames(r.Wheels)}, "", "  ")
	if err != nil {
		return err
	}
	temporary := filepath.Join(env.Dir, marker+".new")
	if err := os.WriteFile(temporary, text, 0o644); err != nil {
		return fmt.Errorf("cannot complete Python environment: %w", err)
	}
	return os.Rename(temporary, filepath.Join(env.Dir, marker))
}

// builder runs the steps of a build and keeps their output.
type builder struct {
	log      io.Writer
	progress func(string)
	mark     string
	env      []string

	mu   sync.Mutex
	tail []string
}

// tailLines is how much of a failed step's output its error carries.
const tailLines = 40

func (b *builder) line(l string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintln(b.log, l)
	b.tail = append(b.tail, l)
	if len(b.tail) > tailLines {
		b.tail = b.tail[1:]
	}
	if b.progress != nil {
		b.progress(l)
	}
}

func (b *builder) run(ctx context.Context, step, program string, args []string) error {
	result, err := Run(ctx, Spec{
		Path: program, Args: args, Env: b.env,
		Mark: b.mark, Stdout: b.line, Stderr: b.line,
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	if result == (Result{}) {
		return nil
	}
	name := ""
	if f, ok := b.log.(*os.File); ok {
		name = f.Name()
	}
	return &BuildError{Step: step, Result: result.String(), Log: name, Output: strings.Join(b.tail, "\n")}
}

func baseNames(paths []string) []string {
	names := make([]string, len(paths))
	for i, p := range paths {
		names[i] = filepath.Base(p)
	}
	return names
}

// environmentName is the hash of everything that decides what is installed.
func environmentName(base Python, r Requirements) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "1 %s %s pip=%v\n", base.Version, base.Path, r.pip())
	packages := slices.Clone(r.Packages)
	slices.Sort(packages)
	for _, p := range slices.Compact(packages) {
		fmt.Fprintf(h, "package %s\n", p)
	}
	for _, p := range r.Pip {
		fmt.Fprintf(h, "pip %s\n", p)
	}
	wheels := make([]string, len(r.Wheels))
	for i, w := range r.Wheels {
		content, err := os.ReadFile(w)
		if err != nil {
			return "", fmt.Errorf("cannot read wheel: %w", err)
		}
		wheels[i] = fmt.Sprintf("%s %x", filepath.Base(w), sha256.Sum256(content))
	}
	slices.Sort(wheels)
	for _, w := range wheels {
		fmt.Fprintf(h, "wheel %s\n", w)
	}
	return hex.EncodeToString(h.Sum(nil))[:24], nil
}

// lock takes the file lock, which the kernel frees when its holder dies.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot lock environment: %w", err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, &fs.PathError{Op: "flock", Path: path, Err: err}
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
