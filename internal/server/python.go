package server

import (
	"context"
	"os"

	"stepwell/internal/process"
	"stepwell/internal/warehouse"
)

// functions runs the warehouse's functions in Python with the Python 3 of this
// machine: its standard library, nothing installed beside it, and nothing of the
// server's environment but the search path.
type functions struct{}

// Start implements warehouse.Python.
func (functions) Start(ctx context.Context, script string) (warehouse.PythonChild, error) {
	p, err := process.FindPython(ctx)
	if err != nil {
		return nil, err
	}
	return process.Talk(process.Spec{
		Path: p.Path, Args: []string{"-I", "-c", script}, Env: append(process.Inherit("PATH"), "PYTHONIOENCODING=utf-8"), Dir: os.TempDir(),
	})
}
