package process

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Node is a Node.js on this machine.
type Node struct {
	Path    string // absolute
	Version string // e.g. "20.20.2"
	Major   int
}

// oldestNode is the oldest Node.js that AWS's clients run on.
const oldestNode = 18

const installNode = "apt-get install nodejs npm (Debian, Ubuntu), dnf install nodejs npm (Fedora), brew install node (macOS)"

// Node returns the Node.js on PATH; a *MissingError where there is none that does.
func (e *Environments) Node(ctx context.Context) (Node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.node.Path != "" {
		if _, err := os.Stat(e.node.Path); err == nil {
			return e.node, nil
		}
	}
	n, err := findNode(ctx)
	if err == nil {
		e.node = n
	}
	return n, err
}

func findNode(ctx context.Context) (Node, error) {
	missing := &MissingError{What: fmt.Sprintf("Node.js %d or later is not on PATH", oldestNode), Install: installNode}
	path, err := exec.LookPath("node")
	if err != nil {
		return Node{}, missing
	}
	var lines []string
	keep := func(line string) { lines = append(lines, line) }
	result, err := Run(ctx, Spec{Path: path, Args: []string{"-p", `process.execPath + "\n" + process.versions.node`}, Env: nodeEnvironment(), Stdout: keep})
	if err != nil {
		return Node{}, err
	}
	if result != (Result{}) || len(lines) != 2 {
		missing.What += fmt.Sprintf(" (%s does not run: %v)", path, result)
		return Node{}, missing
	}
	n := Node{Path: lines[0], Version: lines[1]}
	major, _, _ := strings.Cut(n.Version, ".")
	if n.Major, err = strconv.Atoi(major); err != nil || n.Major < oldestNode {
		missing.What += fmt.Sprintf(" (%s is %s)", n.Path, n.Version)
		return Node{}, missing
	}
	return n, nil
}

// NodePackages returns a folder named node_modules that holds the given npm
// packages, e.g. "aws-lambda-ric@^3.3.0", and what they need, installing them when there
// is none. Their install scripts do not run. Folders are shared as Python
// environments are. Errors are a *MissingError, a *BuildError, ctx's, or of the
// file system.
func (e *Environments) NodePackages(ctx context.Context, n Node, packages []string, progress func(line string)) (string, error) {
	packages = slices.Sorted(slices.Values(packages))
	sum := sha256.Sum256(fmt.Appendf(nil, "1 %d\n%s", n.Major, strings.Join(packages, "\n")))
	dir, _, err := e.folder(ctx, "node", hex.EncodeToString(sum[:])[:24], recipe{
		env: nodeEnvironment(),
		fill: func(ctx context.Context, b *builder, dir string) (map[string]any, error) {
			return map[string]any{"packages": packages}, installNodePackages(ctx, b, dir, packages)
		},
	}, progress)
	return filepath.Join(dir, "node_modules"), err
}

func installNodePackages(ctx context.Context, b *builder, dir string, packages []string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return &MissingError{What: "npm is not on PATH", Install: installNode}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot install Node.js packages: %w", err)
	}
	args := append([]string{"install", "--prefix", dir, "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"}, packages...)
	return b.run(ctx, "install "+strings.Join(packages, ", "), npm, args)
}

// nodeEnvironment is what Node.js and npm need of the server's environment.
func nodeEnvironment() []string {
	return Inherit("PATH", "HOME", "TMPDIR", "LANG", "LC_*", "NPM_CONFIG_*", "npm_config_*", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
		"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy", "NODE_EXTRA_CA_CERTS",
		"SSL_CERT_FILE", "SSL_CERT_DIR")
}
