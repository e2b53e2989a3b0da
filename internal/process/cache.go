package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// recipe says how a folder of the cache is made.
type recipe struct {
	env    []string              // of the programs that make it
	usable func(dir string) bool // of one that is complete; nil: it is
	// fill makes the folder, which is not there yet, and says what is in it.
	fill func(ctx context.Context, b *builder, dir string) (contents map[string]any, err error)
}

// marker is the file that says a folder is complete; it is written last.
const marker = "stepwell-environment.json"

// folder returns the folder of the cache of that kind and name, making it when
// there is none; built says that this call did.
func (e *Environments) folder(ctx context.Context, kind, name string, r recipe, progress func(string)) (dir string, built bool, err error) {
	root, err := filepath.Abs(filepath.Join(e.options.CacheDir, kind))
	if err == nil {
		err = os.MkdirAll(root, 0o755)
	}
	if err != nil {
		return "", false, fmt.Errorf("cannot make the cache folder: %w", err)
	}
	dir = filepath.Join(root, name)
	ready := func() bool {
		_, err := os.Stat(filepath.Join(dir, marker))
		return err == nil && (r.usable == nil || r.usable(dir))
	}
	if ready() {
		return dir, false, nil
	}
	unlock, err := lock(ctx, dir+".lock")
	if err != nil {
		return "", false, err
	}
	defer unlock()
	if ready() { // made while this one waited
		return dir, false, nil
	}
	return dir, true, r.make(ctx, dir, progress)
}

// make fills dir and marks it when it is complete. The caller holds the lock.
func (r recipe) make(ctx context.Context, dir string, progress func(string)) (err error) {
	mark := "environment " + dir // another cache may have one of the same name
	KillLeft(mark)
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("cannot remove what an unfinished build left: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	log, err := os.Create(dir + ".log")
	if err != nil {
		return fmt.Errorf("cannot keep the log of a build: %w", err)
	}
	defer log.Close()
	contents, err := r.fill(ctx, &builder{log: log, progress: progress, mark: mark, env: r.env}, dir)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(contents, "", "  ")
	if err != nil {
		return err
	}
	temporary := filepath.Join(dir, marker+".new")
	if err := os.WriteFile(temporary, text, 0o644); err != nil {
		return fmt.Errorf("cannot complete a build: %w", err)
	}
	return os.Rename(temporary, filepath.Join(dir, marker))
}

// BuildError says that an environment could not be built.
type BuildError struct {
	Step   string // e.g. "install boto3>=1.28"
	Result string // e.g. "exit code 1"
	Log    string // path of the full output
	Output string // the end of the output
}

func (e *BuildError) Error() string {
	return fmt.Sprintf("cannot %s: %s\n%s", e.Step, e.Result, e.Output)
}

// builder runs the steps of a build and keeps their output.
type builder struct {
	log      io.Writer
	progress func(string)
	mark     string
	env      []string

	mu   sync.Mutex
	tail []string
}

// tailLines is how much of a failed step's output its error carries.
const tailLines = 40

func (b *builder) line(l string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintln(b.log, l)
	b.tail = append(b.tail, l)
	if len(b.tail) > tailLines {
		b.tail = b.tail[1:]
	}
	if b.progress != nil {
		b.progress(l)
	}
}

func (b *builder) run(ctx context.Context, step, program string, args []string) error {
	result, err := Run(ctx, Spec{
		Path: program, Args: args, Env: b.env,
		Mark: b.mark, Stdout: b.line, Stderr: b.line,
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	if result == (Result{}) {
		return nil
	}
	name := ""
	if f, ok := b.log.(*os.File); ok {
		name = f.Name()
	}
	return &BuildError{Step: step, Result: result.String(), Log: name, Output: strings.Join(b.tail, "\n")}
}

// lock takes the file lock, which the kernel frees when its holder dies.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot lock environment: %w", err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, &fs.PathError{Op: "flock", Path: path, Err: err}
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
