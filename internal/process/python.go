package process

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// Python is an interpreter on this machine.
type Python struct {
	Path    string `json:"path"`    // absolute
	Version string `json:"version"` // e.g. "3.11.7"
	Major   int    `json:"major"`
	Minor   int    `json:"minor"`
}

// oldestPython is the oldest 3.x whose venv and pip do what Environments asks.
const oldestPython = 8

// MissingError says what this machine lacks and how to get it.
type MissingError struct {
	What    string // e.g. "Python 3.8 or later is not on PATH"
	Install string // e.g. "apt-get install python3 python3-venv (Debian, Ubuntu)"
}

func (e *MissingError) Error() string { return e.What + "; install it: " + e.Install }

const (
	installPython = "apt-get install python3 python3-venv (Debian, Ubuntu), dnf install python3 (Fedora), brew install python (macOS)"
	installVenv   = "apt-get install python3-venv (Debian, Ubuntu), dnf install python3-pip (Fedora)"
)

// FindPython finds a Python 3: the first of the given names or paths that is
// one, "python3" and "python" on PATH where none is given. It returns a
// *MissingError where there is none.
func FindPython(ctx context.Context, names ...string) (Python, error) {
	given := len(names) > 0
	if !given {
		names = []string{"python3", "python"}
	}
	var found string // what was there and did not do
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		p, err := inspect(ctx, path)
		if err != nil {
			found = fmt.Sprintf(" (%s: %v)", path, err)
			continue
		}
		if p.Major == 3 && p.Minor >= oldestPython {
			return p, nil
		}
		found = fmt.Sprintf(" (%s is %s)", p.Path, p.Version)
	}
	if err := ctx.Err(); err != nil {
		return Python{}, err
	}
	where := "on PATH"
	if given {
		where = "at " + strings.Join(names, ", ")
	}
	return Python{}, &MissingError{
		What:    fmt.Sprintf("Python 3.%d or later is not %s%s", oldestPython, where, found),
		Install: installPython,
	}
}

// inspect asks an interpreter what it is. A launcher (pyenv, a wrapper script)
// gives way to the interpreter that it starts.
func inspect(ctx context.Context, path string) (p Python, err error) {
	out, err := ask(ctx, path, `import sys, json
v = sys.version_info
print(json.dumps({"path": sys.executable, "version": "%d.%d.%d" % v[:3], "major": v[0], "minor": v[1]}))`)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		return p, fmt.Errorf("cannot read what it says about itself: %w", err)
	}
	if p.Path == "" {
		p.Path = path
	}
	return p, nil
}

// CheckVenv reports whether p can build virtual environments with pip in them;
// Debian leaves that to a package of its own. The error is a *MissingError.
func CheckVenv(ctx context.Context, p Python) error {
	_, err := ask(ctx, p.Path, "import venv, ensurepip")
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return &MissingError{
		What:    fmt.Sprintf("Python %s (%s) cannot build virtual environments: its module venv or ensurepip is missing", p.Version, p.Path),
		Install: installVenv,
	}
}

// ask runs a line of Python and returns what it prints.
func ask(ctx context.Context, python, code string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var out, errs strings.Builder
	r, err := Run(ctx, Spec{
		Path: python, Args: []string{"-I", "-c", code}, Env: pythonEnvironment(),
		Stdout: func(l string) { out.WriteString(l + "\n") },
		Stderr: func(l string) { errs.WriteString(l + "\n") },
	})
	if err != nil {
		return "", err
	}
	if r != (Result{}) {
		return "", fmt.Errorf("it ended with %v: %s", r, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// pythonEnvironment is what Python and pip need of the server's environment to
// build an environment: where things are, and how packages are reached.
func pythonEnvironment() []string {
	return Inherit("PATH", "HOME", "TMPDIR", "LANG", "LC_*", "PYENV_*", "PIP_*", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
		"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
}
