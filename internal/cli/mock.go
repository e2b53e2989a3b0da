package cli

import (
	"fmt"
	"os"

	"stepwell/internal/diag"
	"stepwell/internal/project"
	"stepwell/internal/server"
)

// readMocks reads a mock configuration file; what is wrong with it is rendered.
func (o *options) readMocks(name string) (mocks *server.Mocks, text string, err error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, "", fmt.Errorf("cannot read the mock file: %w", err)
	}
	mocks, found := server.ParseMocks(string(data))
	if len(found) > 0 {
		return nil, "", o.wrongMocks(name, string(data), found)
	}
	return mocks, string(data), nil
}

func (o *options) wrongMocks(name, text string, found diag.List) error {
	diag.Render(o.std.Err, name, text, found)
	return fmt.Errorf("%s has errors", name)
}

// useMocks gives a pipeline, and the server that will run it, a mock file.
func (o *options) useMocks(r *project.Runner, name string) error {
	mocks, text, err := o.readMocks(name)
	if err != nil {
		return err
	}
	r.Mocks, o.mocks = mocks, mocks
	found, err := r.CheckMocks()
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return o.wrongMocks(name, text, found)
	}
	return nil
}
