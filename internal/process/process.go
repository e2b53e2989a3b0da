package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// markVariable names a process tree in the environment of its members, so that
// what has left the process group is found too.
const markVariable = "STEPWELL_PROCESS"

// maxLine is the longest line handed to a sink in one piece, in bytes; a longer
// one comes in several. It is under the limit of a CloudWatch Logs event.
const maxLine = 200 << 10

// defaultGrace is the time between SIGTERM and SIGKILL.
const defaultGrace = 3 * time.Second

// drainGrace bounds how long output is read after every known process of the
// tree is gone: something that left the group and hides may hold the pipe.
const drainGrace = 2 * time.Second

// goneGrace bounds how long killed processes are given to be gone.
const goneGrace = 5 * time.Second

// Spec says what to run.
type Spec struct {
	Path string   // program; looked up in the PATH of Env where it has no slash
	Args []string // after the program's own name
	Env  []string // "NAME=value"; the whole environment but for the mark
	Dir  string   // working directory
	Mark string   // name of the tree, unique among running ones; for KillLeft

	// Stdout and Stderr receive each line without its line end, in order, one
	// call at a time per stream. A slow sink slows the process. nil discards.
	Stdout, Stderr func(line string)

	// Started is called once the process runs, before Run waits for its end.
	Started func(*Running)

	Grace time.Duration // between SIGTERM and SIGKILL; 3 s when 0

	Places   []Place  // shown to the process
	Mounting Mounting // how, as TryMounting found it

	stdin *os.File // see Talk; nil: none
}

// Result says how a process ended.
type Result struct {
	Code   int            // exit code; -1 when a signal ended it
	Signal syscall.Signal // the signal that ended it; 0 when it exited
}

func (r Result) String() string {
	if r.Signal != 0 {
		return "signal " + r.Signal.String()
	}
	return "exit code " + strconv.Itoa(r.Code)
}

// Run runs a process to its end. When ctx ends first, the whole tree gets
// SIGTERM and, after the grace, SIGKILL; Run still returns the Result, and the
// caller sees ctx's error in ctx. The sinks have had every line by then. An
// error means that the process could not be started or watched.
func Run(ctx context.Context, s Spec) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	cmd, err := command(s)
	if err != nil {
		return Result{}, err
	}
	var readers sync.WaitGroup
	outputs, err := connect(cmd, s, &readers)
	if err != nil {
		return Result{}, err
	}
	// The kernel sends the death signal of a child when the thread that started
	// it ends, so that thread stays until the child has ended.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = cmd.Start()
	outputs.closeWriters()
	if err != nil {
		outputs.closeReaders()
		readers.Wait()
		return Result{}, fmt.Errorf("cannot start %s: %w", s.Path, err)
	}
	if s.Started != nil {
		s.Started(&Running{PID: cmd.Process.Pid, outputs: outputs.readers})
	}
	ended, terminated := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(terminated)
		terminate(cmd.Process.Pid, s, ended)
	})
	waitErr := cmd.Wait()
	close(ended)
	if !stop() {
		<-terminated // or it might kill what gets the pid or the mark next
	}
	killTree(cmd.Process.Pid, s.Mark)
	outputs.drain(&readers)
	return result(cmd.ProcessState, waitErr)
}

func command(s Spec) (*exec.Cmd, error) {
	path := s.Path
	if !strings.Contains(path, "/") {
		found, err := lookPath(path, s.Env)
		if err != nil {
			return nil, err
		}
		path = found
	}
	args := append([]string{path}, s.Args...)
	cmd := &exec.Cmd{Path: path, Args: args, Dir: s.Dir, Env: s.Env, SysProcAttr: attributes()}
	if s.stdin != nil {
		cmd.Stdin = s.stdin
	}
	if cmd.Env == nil {
		cmd.Env = []string{}
	}
	if len(s.Places) > 0 {
		if err := within(cmd, s.Places, s.Mounting); err != nil {
			return nil, err
		}
	}
	if s.Mark != "" {
		cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], markVariable+"="+s.Mark)
	}
	return cmd, nil
}

func lookPath(name string, env []string) (string, error) {
	for _, e := range env {
		dirs, ok := strings.CutPrefix(e, "PATH=")
		if !ok {
			continue
		}
		for dir := range strings.SplitSeq(dirs, string(os.PathListSeparator)) {
			path := dir + "/" + name
			if info, err := os.Stat(path); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("cannot start %s: %w", name, exec.ErrNotFound)
}

// pipes are the two output streams of a process.
type pipes struct {
	readers []*stream
	writers []*os.File
}

// connect gives cmd a pipe for each output and reads it into its sink.
func connect(cmd *exec.Cmd, s Spec, readers *sync.WaitGroup) (*pipes, error) {
	p := &pipes{}
	for _, sink := range []func(string){s.Stdout, s.Stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			p.closeWriters()
			p.closeReaders()
			return nil, fmt.Errorf("cannot start %s: %w", s.Path, err)
		}
		in := &stream{file: r}
		p.readers, p.writers = append(p.readers, in), append(p.writers, w)
		readers.Go(func() { readLines(in, sink) })
	}
	cmd.Stdout, cmd.Stderr = p.writers[0], p.writers[1]
	return p, nil
}

func (p *pipes) closeWriters() {
	for _, w := range p.writers {
		w.Close()
	}
}

func (p *pipes) closeReaders() {
	for _, r := range p.readers {
		r.file.Close()
	}
}

// drain waits until everything written has reached the sinks.
func (p *pipes) drain(readers *sync.WaitGroup) {
	for _, r := range p.readers {
		r.ended.Store(true)
		r.file.SetReadDeadline(time.Now().Add(drainGrace))
	}
	readers.Wait()
	p.closeReaders()
}

// maxPipe is the most a pipe can hold, and so the most that is left to read
// once all known writers are gone, in bytes (/proc/sys/fs/pipe-max-size).
const maxPipe = 1 << 20

// stream is the reading end of a pipe. Once its process has ended it is at its
// end when it stays silent, or gives more than a pipe can hold: then a process
// that hides still writes. Only silence counts, a slow sink does not.
type stream struct {
	file  *os.File
	ended atomic.Bool
	after int // bytes read since the process ended
	empty emptiness
}

func (s *stream) Read(b []byte) (int, error) {
	if !s.ended.Load() {
		return s.empty.read(s.file, b)
	}
	if s.after > maxPipe {
		return 0, io.EOF
	}
	s.file.SetReadDeadline(time.Now().Add(drainGrace))
	n, err := s.empty.read(s.file, b)
	s.after += n
	return n, err
}

// readLines hands the lines of r to sink. Text that is not UTF-8 gets
// replacement characters.
func readLines(r io.Reader, sink func(string)) {
	if sink == nil {
		sink = func(string) {}
	}
	in := bufio.NewReaderSize(r, maxLine)
	for {
		part, err := in.ReadSlice('\n')
		if len(part) > 0 {
			line := strings.TrimSuffix(strings.TrimSuffix(string(part), "\n"), "\r")
			sink(strings.ToValidUTF8(line, "\uFFFD"))
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// terminate asks the tree to end, then makes it, unless its first process ends
// before: then Run looks for what is left.
func terminate(pid int, s Spec, ended <-chan struct{}) {
	grace := s.Grace
	if grace == 0 {
		grace = defaultGrace
	}
	syscall.Kill(-pid, syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(grace):
		killTree(pid, s.Mark)
	}
}

// killTree kills the group and whatever carries the mark.
func killTree(pgid int, mark string) {
	syscall.Kill(-pgid, syscall.SIGKILL)
	KillLeft(mark)
}

// KillLeft kills every process that carries the mark, wherever it has moved,
// and reports how many there were. It is how a server ends what a dead one
// left. An empty mark is none.
func KillLeft(mark string) int {
	if mark == "" {
		return 0
	}
	killed := map[int]bool{}
	// A tree may grow while it is being killed, and a killed process takes a
	// while to be gone: look again until nothing is left.
	for deadline := time.Now().Add(goneGrace); time.Now().Before(deadline); {
		pids := marked(markVariable + "=" + mark)
		if len(pids) == 0 {
			break
		}
		for _, pid := range pids {
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				killed[pid] = true
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	return len(killed)
}

func result(state *os.ProcessState, err error) (Result, error) {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return Result{}, fmt.Errorf("cannot wait for process: %w", err)
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return Result{Code: -1, Signal: status.Signal()}, nil
	}
	return Result{Code: state.ExitCode()}, nil
}
