package lambda

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"stepwell/internal/process"
)

// Where AWS's execution environments have code, layers and the runtime.
const (
	taskRoot    = "/var/task"
	layersRoot  = "/opt"
	runtimeRoot = "/var/lang"
)

// tryMounting says how workers can be shown files where AWS has them.
func (s *Service) tryMounting() process.Mounting {
	if s.Mounting == nil {
		return process.NoMounting
	}
	how, err := s.Mounting(context.Background())
	if err != nil {
		s.Log.Info("Lambda's layers are not in /opt: mounts are not permitted here", "error", err)
	}
	return how
}

// settle shows a worker whose function has layers its files where AWS has them, and
// changes the paths of its launch and environment accordingly. Where mounts are not
// permitted, or would hide what the worker needs, all stays where it is.
func (w *worker) settle(spec *process.Spec, l *launch) error {
	if w.opt == "" {
		return nil
	}
	places := []process.Place{{At: taskRoot, From: w.task}}
	members, err := os.ReadDir(w.opt)
	if err != nil {
		return fmt.Errorf("cannot read layers: %w", err)
	}
	for _, m := range members {
		places = append(places, process.Place{At: filepath.Join(layersRoot, m.Name()), From: filepath.Join(w.opt, m.Name())})
	}
	if l.runtime != "" {
		places = append(places, process.Place{At: runtimeRoot, From: l.runtime})
	}
	how := w.s.mounting()
	if how == process.NoMounting || hidden(places, l.path, w.dir, w.s.CABundle) {
		return nil
	}
	moved := strings.NewReplacer(w.opt+"/", layersRoot+"/", w.task+"/", taskRoot+"/")
	move := func(text string) string { // lists of paths, too
		parts := strings.Split(text, ":")
		for i, p := range parts {
			parts[i] = strings.TrimSuffix(moved.Replace(p+"/"), "/")
		}
		return strings.Join(parts, ":")
	}
	spec.Places, spec.Mounting, spec.Path = places, how, moved.Replace(spec.Path)
	for i, e := range spec.Env {
		name, v, _ := strings.Cut(e, "=")
		switch name {
		case "PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "NODE_PATH", "LAMBDA_TASK_ROOT":
			spec.Env[i] = name + "=" + move(v)
		}
	}
	return nil
}

// hidden reports whether something that is needed lies where places are shown.
func hidden(places []process.Place, needed ...string) bool {
	for _, path := range needed {
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			real = path
		}
		for _, p := range places {
			for _, n := range []string{path, real} {
				if n == p.At || strings.HasPrefix(n, p.At+"/") {
					return true
				}
			}
		}
	}
	return false
}
