package cli

import (
	"os"
	"path/filepath"

	"stepwell/internal/server"
)

// options are the flags that all commands share.
type options struct {
	std       Stdio
	dataDir   string
	endpoint  string
	timeScale float64
	mocks     *server.Mocks // of the server started in this process; nil = none
	routes    []string      // services that the server must route
}

// defaultDataDir follows the XDG Base Directory Specification.
func defaultDataDir() string {
	if dir := os.Getenv("STEPWELL_DATA_DIR"); dir != "" {
		return dir
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "stepwell")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "stepwell-data"
	}
	return filepath.Join(home, ".local", "share", "stepwell")
}

// cacheDir is where Python environments are kept: they can be made again, and
// pipelines with data folders of their own share them.
func cacheDir() string {
	if dir := os.Getenv("STEPWELL_CACHE_DIR"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return filepath.Join(os.TempDir(), "stepwell-cache")
	}
	return filepath.Join(dir, "stepwell")
}
