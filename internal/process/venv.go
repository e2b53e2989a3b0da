package process

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// EnvironmentsOptions say where environments live and what they are made with.
type EnvironmentsOptions struct {
	CacheDir string   // directory; created when needed, shared between servers
	Python   []string // names or paths of interpreters to try; empty means PATH
}

// Environments builds Python virtual environments and folders of Node.js
// packages and keeps them, each under a name made of what is in it. Builders in
// this and in other processes share one build; what a killed builder left is
// removed.
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
	dir, built, err := e.folder(ctx, "python", name, recipe{
		env: append(pythonEnvironment(), "PYTHONUNBUFFERED=1"),
		usable: func(dir string) bool {
			_, err := os.Stat(interpreter(dir)) // a link to an interpreter that may be gone
			return err == nil
		},
		fill: func(ctx context.Context, b *builder, dir string) (map[string]any, error) {
			if r.pip() {
				if err := e.checkVenv(ctx, base); err != nil {
					return nil, err
				}
			}
			return map[string]any{"python": base, "packages": r.Packages, "wheels": baseNames(r.Wheels)}, fillEnvironment(ctx, b, base, r, dir)
		},
	}, progress)
	if failed := (*BuildError)(nil); errors.As(err, &failed) && !r.pip() {
		if missing := CheckVenv(ctx, base); missing != nil {
			return nil, missing // the module venv itself
		}
	}
	if err != nil {
		return nil, err
	}
	return &Environment{Dir: dir, Bin: filepath.Join(dir, "bin"), Python: interpreter(dir), Base: base, Built: built}, nil
}

func interpreter(dir string) string { return filepath.Join(dir, "bin", "python") }

// fillEnvironment makes the environment in its final place, where its scripts
// need to know it to be.
func fillEnvironment(ctx context.Context, b *builder, base Python, r Requirements, dir string) error {
	create := []string{"-I", "-m", "venv", "--symlinks"}
	if !r.pip() {
		create = append(create, "--without-pip")
	}
	if err := b.run(ctx, "create a Python environment", base.Path, append(create, dir)); err != nil {
		return err
	}
	if !r.installs() {
		return nil
	}
	install := []string{"-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--prefer-binary"}
	install = append(append(append(install, r.Pip...), r.Wheels...), r.Packages...)
	what := append(baseNames(r.Wheels), r.Packages...)
	return b.run(ctx, "install "+strings.Join(what, ", "), interpreter(dir), install)
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
