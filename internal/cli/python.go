package cli

import (
	"context"
	"path/filepath"

	"stepwell/internal/process"
)

// pythonEnvironment makes an environment for a pipeline's prepare commands.
func pythonEnvironment(ctx context.Context, packages []string) (interpreter string, err error) {
	environments := process.NewEnvironments(process.EnvironmentsOptions{CacheDir: filepath.Join(cacheDir(), "python")})
	env, err := environments.Get(ctx, process.Requirements{Packages: packages}, nil)
	if err != nil {
		return "", err
	}
	return env.Python, nil
}
