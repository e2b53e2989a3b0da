package lambda

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"stepwell/internal/process"
)

// nodeFiles start AWS's runtime client; start.mjs says how.
//
//go:embed nodejs/*.mjs
var nodeFiles embed.FS

// nodeRuntime are the Node.js runtimes that run here. Older ones have the AWS
// SDK 2 and cannot be created on AWS any more.
var nodeRuntime = regexp.MustCompile(`^nodejs(18|[2-9][0-9])\.x$`)

// nodeClient is AWS's published client for a runtime: its version 4 is the one
// of Node.js 24, which has no handlers with a callback.
func nodeClient(runtime string) (name, file string) {
	if runtime >= "nodejs24" {
		return "aws-lambda-ric@^4.0.2", "aws-lambda-ric/index.mjs"
	}
	return "aws-lambda-ric@^3.3.0", "aws-lambda-ric/dist/index.mjs"
}

func (s *Service) launchNode(ctx context.Context, runtime, task, opt, handler string) (*launch, error) {
	node, err := s.Environments.Node(ctx)
	if err != nil {
		return nil, err
	}
	name, file := nodeClient(runtime)
	modules, err := s.Environments.NodePackages(ctx, node, []string{name}, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot install AWS's runtime client for Node.js: %w", err)
	}
	sdk, err := s.nodeSDK(ctx, node, task, opt)
	if err != nil {
		return nil, fmt.Errorf("cannot install the AWS SDK for JavaScript: %w", err)
	}
	start, err := s.nodeStart()
	if err != nil {
		return nil, err
	}
	s.saidNode.Do(func() {
		s.Log.Info("Lambda's Node.js runtimes run on the machine's Node.js", "asked", runtime, "node", node.Version, "path", node.Path)
	})
	client := filepath.Join(modules, filepath.FromSlash(file))
	l := &launch{
		path: node.Path, args: []string{start, client, handler}, name: "nodejs:" + node.Version, bins: []string{filepath.Dir(node.Path)},
		shown: []string{client, "/var/runtime/index.mjs", start, "/var/runtime/index.mjs"},
	}
	path := nodeFolders(runtime, opt)
	if sdk != "" {
		path = append(path, sdk)
	}
	l.env = append(l.env, "NODE_PATH="+strings.Join(append(path, task), string(os.PathListSeparator)),
		"AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED=true") // the function did not choose this Node.js
	if s.CABundle != "" {
		l.env = append(l.env, "NODE_EXTRA_CA_CERTS="+s.CABundle)
	}
	return l, nil
}

// nodeFolders are where layers have packages.
func nodeFolders(runtime, opt string) []string {
	if opt == "" {
		return nil
	}
	named := "node" + strings.TrimSuffix(strings.TrimPrefix(runtime, "nodejs"), ".x")
	return []string{filepath.Join(opt, "nodejs", named, "node_modules"), filepath.Join(opt, "nodejs", "node_modules")}
}

// nodeStart is the path of start.mjs, written where Node.js can read it.
func (s *Service) nodeStart() (string, error) {
	files, err := fs.Sub(nodeFiles, "nodejs")
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	names, err := fs.Glob(files, "*.mjs")
	if err != nil {
		return "", err
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return "", err
		}
		sum.Write(text)
	}
	dir := filepath.Join(s.Dir, "nodejs", hex.EncodeToString(sum.Sum(nil))[:16])
	start := filepath.Join(dir, "start.mjs")
	if _, err := os.Stat(start); err == nil {
		return start, nil
	}
	temporary := dir + ".new-" + s.IDs.Hex(8)
	err = os.MkdirAll(filepath.Dir(dir), 0o700)
	if err == nil {
		err = os.CopyFS(temporary, files)
	}
	if err == nil {
		err = os.Rename(temporary, dir)
	}
	if _, there := os.Stat(start); err != nil && there != nil {
		return "", errors.Join(fmt.Errorf("cannot write the start of Node.js: %w", err), os.RemoveAll(temporary))
	}
	return start, nil
}

// sdkName finds the names of the SDK's packages where code imports them.
var sdkName = regexp.MustCompile("[\"'`](@(?:aws-sdk|smithy)/[a-z0-9]+(?:-[a-z0-9]+)*)[\"'`/]")

// unknownPackage is a name that npm does not know, in what it says.
var unknownPackage = regexp.MustCompile(`404 .*'(@[a-z-]+/[a-z0-9-]+)@`)

// nodePackage is the folder with a package of the AWS SDK 3 whose name code has computed.
func (s *Service) nodePackage(ctx context.Context, name string) (string, error) {
	if m := sdkName.FindStringSubmatch(`"` + name + `"`); m == nil || m[1] != name {
		return "", fmt.Errorf("not a package of the AWS SDK: %s", name)
	}
	node, err := s.Environments.Node(ctx)
	if err != nil {
		return "", err
	}
	folder, err := s.Environments.NodePackages(ctx, node, []string{name}, nil)
	if err != nil {
		s.Log.Warn("a package of the AWS SDK for JavaScript cannot be installed", "package", name, "error", err)
	}
	return folder, err
}

// nodeSDK returns the folder with the packages of the AWS SDK 3 that the code
// names and does not bring; "" where it names none. AWS's runtimes have all of
// the SDK, which is too much to install here.
func (s *Service) nodeSDK(ctx context.Context, node process.Node, task, opt string) (string, error) {
	key := task + "\n" + opt
	names, known := s.sdk.Load(key)
	if !known {
		found, err := namedPackages(task, opt)
		if err != nil {
			return "", err
		}
		names, _ = s.sdk.LoadOrStore(key, found)
	}
	packages := slices.Clone(names.([]string))
	for len(packages) > 0 {
		modules, err := s.Environments.NodePackages(ctx, node, packages, nil)
		fault := (*process.BuildError)(nil)
		if !errors.As(err, &fault) {
			return modules, err
		}
		unknown := unknownPackage.FindStringSubmatch(fault.Output)
		if unknown == nil || !slices.Contains(packages, unknown[1]) {
			return "", err
		}
		packages = slices.DeleteFunc(packages, func(name string) bool { return name == unknown[1] })
	}
	return "", nil
}

// namedPackages are the packages of the SDK that JavaScript in the folders names
// and that none of them has.
func namedPackages(folders ...string) ([]string, error) {
	var names []string
	for _, folder := range folders {
		if folder == "" {
			continue
		}
		err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() || !slices.Contains([]string{".js", ".mjs", ".cjs"}, filepath.Ext(path)) {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil || !bytes.Contains(text, []byte("@")) {
				return err
			}
			for _, m := range sdkName.FindAllSubmatch(text, -1) {
				names = append(names, string(m[1]))
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("cannot look for packages that the code needs: %w", err)
		}
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool {
		return slices.ContainsFunc(folders, func(folder string) bool { return brings(folder, name) })
	}), nil
}

// brings reports whether a folder of code or layers has an npm package.
func brings(folder, name string) bool {
	for _, pattern := range []string{"node_modules", "nodejs/node_modules", "nodejs/node*/node_modules"} {
		if found, err := filepath.Glob(filepath.Join(folder, pattern, name)); err == nil && len(found) > 0 {
			return true
		}
	}
	return false
}
