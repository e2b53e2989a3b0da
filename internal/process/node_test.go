package process

import (
	"errors"
	"strings"
	"testing"
)

// TestNoNode: what a machine without Node.js is told.
func TestNoNode(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	e := NewEnvironments(EnvironmentsOptions{CacheDir: t.TempDir()})
	_, err := e.Node(t.Context())
	if missing := (*MissingError)(nil); !errors.As(err, &missing) || !strings.HasPrefix(err.Error(), "Node.js 18 or later is not on PATH; install it: apt-get install nodejs npm") {
		t.Errorf("node: %v", err)
	}
	_, err = e.NodePackages(t.Context(), Node{Major: 20}, []string{"p"}, nil)
	if missing := (*MissingError)(nil); !errors.As(err, &missing) || !strings.HasPrefix(err.Error(), "npm is not on PATH; install it: ") {
		t.Errorf("npm: %v", err)
	}
}
