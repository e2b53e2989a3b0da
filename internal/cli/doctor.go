package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"stepwell/internal/process"
	"stepwell/internal/server"
)

// finding is what one check of the doctor came to.
type finding struct {
	what   string
	state  string // "ok", "missing" or "note"
	detail string
	remedy string
}

func newDoctor(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine lacks and how to get it",
		Long: `Say what this machine lacks and how to get it. The exit status is 1 when
something that pipelines need is missing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			failed := false
			for _, f := range o.examine(cmd.Context()) {
				fmt.Fprintf(o.std.Out, "%-8s %-22s %s\n", f.state, f.what, f.detail)
				if f.remedy != "" {
					fmt.Fprintf(o.std.Out, "%-8s %-22s   %s\n", "", "", f.remedy)
				}
				failed = failed || f.state == "missing"
			}
			if failed {
				return exitError(1)
			}
			return nil
		},
	}
}

func (o *options) examine(ctx context.Context) []finding {
	all := append(examinePython(ctx), examineNode(ctx), examineFolder("data folder", o.dataDir), examineFolder("cache folder", cacheDir()))
	if _, err := server.ReadAddress(o.dataDir); err != nil {
		all = append(all, examinePort("AWS endpoint", "127.0.0.1:4566", "--listen"), examinePort("Redshift", "127.0.0.1:5439", "--redshift"))
	}
	all = append(all,
		examineProgram("aws", "AWS CLI, for your own use of the endpoint", "pip install awscli"),
		examineProgram("psql", "for your own use of the warehouse; stepwell sql needs nothing", "apt-get install postgresql-client"))
	return all
}

// examinePython looks for what Glue Python shell jobs and functions in Python run
// in.
func examinePython(ctx context.Context) []finding {
	python, err := process.FindPython(ctx)
	if err != nil {
		return []finding{missing("Python", err)}
	}
	found := finding{what: "Python", state: "ok", detail: python.Path + ", " + python.Version}
	if err := process.CheckVenv(ctx, python); err != nil {
		return []finding{found, missing("Python venv", err)}
	}
	return []finding{found, {what: "Python venv", state: "ok", detail: "job environments can be built"}}
}

func missing(what string, err error) finding {
	f := absent(what, err, "Glue jobs and Lambda functions in Python cannot run without it")
	f.state = "missing"
	return f
}

// examineNode looks for what functions in Node.js and the CDK's custom resources
// run in.
func examineNode(ctx context.Context) finding {
	node, err := process.NewEnvironments(process.EnvironmentsOptions{}).Node(ctx)
	if err != nil {
		return absent("Node.js", err, "only Lambda functions in Node.js and custom resources of the CDK need it")
	}
	return finding{what: "Node.js", state: "ok", detail: node.Path + ", " + node.Version}
}

// absent is a note of what is not there.
func absent(what string, err error, use string) finding {
	f := finding{what: what, state: "note", detail: err.Error()}
	var m *process.MissingError
	if errors.As(err, &m) {
		f.detail, f.remedy = m.What, m.Install
	}
	f.detail += "; " + use
	return f
}

func examineFolder(what, dir string) finding {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return finding{what, "missing", "cannot make " + dir + ": " + err.Error(), "choose another with --data-dir or STEPWELL_CACHE_DIR"}
	}
	f, err := os.CreateTemp(dir, "doctor-")
	if err != nil {
		return finding{what, "missing", dir + " is not writable: " + err.Error(), "choose another with --data-dir or STEPWELL_CACHE_DIR"}
	}
	f.Close()
	os.Remove(f.Name())
	return finding{what: what, state: "ok", detail: filepath.Clean(dir)}
}

func examinePort(what, address, flag string) finding {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return finding{what, "note", address + " is taken: " + err.Error(), "stop what listens there, or serve elsewhere with " + flag}
	}
	l.Close()
	return finding{what: what, state: "ok", detail: address + " is free"}
}

func examineProgram(name, use, install string) finding {
	if path, err := exec.LookPath(name); err == nil {
		return finding{what: name, state: "ok", detail: path}
	}
	return finding{name, "note", "not on PATH (" + use + ")", install}
}
