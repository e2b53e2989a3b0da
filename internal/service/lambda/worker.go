package lambda

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/process"
)

// initTime is how long a runtime may take to start, before the time of the
// function counts (developer guide, "Lambda execution environments").
const initTime = 10 * time.Second

// worker is one execution environment: a process tree that handles one
// invocation at a time.
type worker struct {
	s    *Service
	f    *function
	at   scope
	key  string // of the pool: function, version, revision
	name string // of the function, for its concurrency

	id, dir, temp, site string
	task, opt           string
	shown               *strings.Replacer // in traces
	api                 *runtimeAPI
	log                 *workerLog
	ctx                 context.Context
	cancel              context.CancelCauseFunc
	exited              chan struct{} // closed when the process has ended and all is written
	began               time.Time     // real time
	started             chan *process.Running
	running             *process.Running
	result              process.Result
	err                 error

	peak   int64 // most memory the process has had, bytes
	looked time.Time

	cold    bool        // has not had an invocation
	idle    clock.Timer // ends a worker that has none
	retired bool        // ends after its invocation; the pool's
}

// errRetired is why an idle worker ends.
var errRetired = errors.New("worker is not needed any more")

// newWorker starts a runtime for f. An error is a *launchError or the server's.
func (s *Service) newWorker(f *function, at scope, key string) (_ *worker, err error) {
	id := "lambda-" + s.IDs.Hex(16)
	w := &worker{s: s, f: f, at: at, key: key, name: *f.Config.FunctionName, id: id, cold: true,
		exited: make(chan struct{}), started: make(chan *process.Running, 1), dir: filepath.Join(s.workersDir(), id)}
	w.temp, w.site = filepath.Join(w.dir, "tmp"), filepath.Join(w.dir, "site")
	caller := bus.Caller{Account: at.Account, Region: at.Region, Principal: value(f.Config.Role), Source: "lambda"}
	w.ctx, w.cancel = context.WithCancelCause(bus.With(context.Background(), caller))
	defer func() {
		if err != nil {
			w.cancel(err)
			err = errors.Join(err, os.RemoveAll(w.dir))
		}
	}()
	if w.task, err = s.files.task(f.Code); err != nil {
		return nil, err
	}
	if w.opt, err = s.files.layers(f.Layers); err != nil {
		return nil, err
	}
	l, err := s.launch(w.ctx, f, w.task, w.opt)
	if err != nil {
		return nil, err
	}
	w.shown = strings.NewReplacer(append(l.shown, w.task+"/", "/var/task/")...)
	own, err := s.variables(f)
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{w.temp, w.site} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("cannot start a worker: %w", err)
		}
	}
	if w.api, err = openRuntimeAPI(w.exited, s.nodePackage); err != nil {
		return nil, err
	}
	w.log = s.openLog(w.ctx, w.logGroup(), w.logStream())
	spec := process.Spec{
		Path: l.path, Args: l.args, Env: w.environment(l, own), Dir: w.task, Mark: w.id,
		Stdout: w.log.line, Stderr: w.log.line, Grace: time.Nanosecond,
		Started: func(r *process.Running) { w.started <- r },
	}
	if err := w.settle(&spec, l); err != nil {
		w.api.close()
		w.log.close()
		return nil, err
	}
	w.log.write("INIT_START Runtime Version: " + l.name + "\n")
	w.start(spec)
	return w, nil
}

func (w *worker) logGroup() string {
	if logging := w.f.Config.LoggingConfig; logging != nil && value(logging.LogGroup) != "" {
		return *logging.LogGroup
	}
	return "/aws/lambda/" + w.name
}

// logStream names the worker's stream as Lambda does: 2026/11/21/[$LATEST]HEX.
func (w *worker) logStream() string {
	return w.s.Clock.Now().UTC().Format("2006/01/02") + "/[" + *w.f.Config.Version + "]" + strings.TrimPrefix(w.id, "lambda-")
}

func (w *worker) start(spec process.Spec) {
	w.began = time.Now()
	go func() {
		w.result, w.err = process.Run(w.ctx, spec)
		close(w.started)
		w.api.close()
		w.log.close()
		if err := os.RemoveAll(w.dir); err != nil {
			w.s.Log.Warn("cannot remove a worker's folder", "folder", w.dir, "error", err)
		}
		close(w.exited)
	}()
}

// kill ends the worker and returns when it is gone.
func (w *worker) kill(why error) {
	w.cancel(why)
	<-w.exited
}

// outcome is what an invocation came to.
type outcome struct {
	answer
	log     []byte
	version string
	reuse   bool // the worker can have another invocation
	spent   time.Duration
}

// errNeverGiven says that a worker ended before it had the invocation.
var errNeverGiven = errors.New("worker ended before it had the invocation")

// handle runs one invocation. The error is errNeverGiven, or none.
func (w *worker) handle(inv *invocation) (o outcome, err error) {
	cold := w.cold
	w.cold = false
	w.log.begin()
	if fault := w.waitReady(inv, cold); fault != nil {
		if !cold {
			return o, errNeverGiven
		}
		w.log.write("START RequestId: " + inv.id + " Version: " + *w.f.Config.Version + "\n")
		w.report(inv, *fault, 0, time.Since(w.began))
		return w.ended(*fault), nil
	}
	took := time.Since(w.began)
	if !cold {
		took = 0
	}
	w.log.write("START RequestId: " + inv.id + " Version: " + *w.f.Config.Version + "\n")
	expired := make(chan struct{})
	inv.deadline = time.Now().Add(inv.timeout)
	timer := w.s.Clock.AfterFunc(inv.timeout, func() { close(expired) })
	defer timer.Stop()
	began := time.Now()
	select {
	case w.api.next <- inv:
	case <-w.exited:
		if !cold {
			return o, errNeverGiven
		}
	}
	var a answer
	alive := true
	over, done := make(chan struct{}), make(chan struct{})
	go w.watchMemory(over, done)
	defer close(done)
	select {
	case a = <-inv.answer:
	case <-w.exited:
		a, alive = w.exit(inv), false
	case <-over:
		a, alive = failure("Runtime.OutOfMemory", "RequestId: "+inv.id+" Error: Runtime exited with error: signal: killed"), false
	case <-expired:
		w.log.write(w.s.Clock.Now().UTC().Format("2006-01-02T15:04:05.000Z") + " " + inv.id + " " + timedOut(inv) + "\n\n")
		a, alive = failure("Sandbox.Timedout", "RequestId: "+inv.id+" Error: "+timedOut(inv)), false
	}
	spent := time.Since(began)
	w.report(inv, a, spent, took)
	o = w.ended(a)
	o.spent = spent
	o.reuse = alive && a.kind != "Function.ResponseSizeTooLarge"
	return o, nil
}

// ended is the outcome of an invocation that is over.
func (w *worker) ended(a answer) outcome {
	if a.failed { // traces name files where they are on AWS
		a.payload = []byte(w.shown.Replace(string(a.payload)))
	}
	return outcome{answer: a, log: w.log.end(), version: *w.f.Config.Version}
}

// waitReady waits until the runtime asks for its first invocation; otherwise it
// returns what its start came to.
func (w *worker) waitReady(inv *invocation, cold bool) *answer {
	select {
	case <-w.api.ready:
		select {
		case <-w.exited:
			return new(w.exit(inv))
		default:
			w.watch()
			return nil
		}
	default:
	}
	expired := make(chan struct{})
	timer := w.s.Clock.AfterFunc(initTime+inv.timeout, func() { close(expired) })
	defer timer.Stop()
	select {
	case <-w.api.ready:
		w.watch()
		return nil
	case <-w.exited:
		if fault := w.api.initFault(); fault != nil {
			return fault
		}
		return new(w.exit(inv))
	case <-expired:
		return new(failure("Sandbox.Timedout", "RequestId: "+inv.id+" Error: "+timedOut(inv)))
	}
}

// watch notes which process it is.
func (w *worker) watch() {
	if w.running == nil {
		w.running = <-w.started
	}
}

func timedOut(inv *invocation) string {
	return fmt.Sprintf("Task timed out after %.2f seconds", inv.timeout.Seconds())
}

// exit is the answer of a worker whose process has ended.
func (w *worker) exit(inv *invocation) answer {
	why := "Error: Runtime exited without providing a reason"
	switch {
	case w.err != nil:
		why = "Error: " + w.err.Error()
	case w.result.Signal != 0:
		why = "Error: Runtime exited with error: signal: " + w.result.Signal.String()
	case w.result.Code != 0:
		why = fmt.Sprintf("Error: Runtime exited with error: exit status %d", w.result.Code)
	}
	return failure("Runtime.ExitError", "RequestId: "+inv.id+" "+why)
}

// report writes END and REPORT once the lines of the handler are there.
func (w *worker) report(inv *invocation, a answer, spent, started time.Duration) {
	if w.running != nil {
		w.running.Flush()
		w.lookAtMemory(spent)
	}
	milliseconds := float64(spent) / float64(time.Millisecond)
	var b strings.Builder
	fmt.Fprintf(&b, "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		inv.id, milliseconds, int64(math.Ceil(milliseconds)), *w.f.Config.MemorySize, min(w.peak>>20, *w.f.Config.MemorySize))
	if started > 0 {
		fmt.Fprintf(&b, "Init Duration: %.2f ms\t", float64(started)/float64(time.Millisecond))
	}
	switch {
	case a.kind == "Sandbox.Timedout":
		b.WriteString("Status: timeout")
	case strings.HasPrefix(a.kind, "Runtime.") || strings.HasPrefix(a.kind, "Function."):
		b.WriteString("Status: error\tError Type: " + a.kind)
	}
	w.log.write("END RequestId: " + inv.id + "\n")
	w.log.write(b.String() + "\n")
}

// lookAtMemory notes the most memory that the process has had. That takes as long
// as a short invocation, and so is left out after one soon after another.
func (w *worker) lookAtMemory(spent time.Duration) {
	if spent > 10*time.Millisecond || time.Since(w.looked) > 100*time.Millisecond {
		w.peak, w.looked = w.running.PeakMemory(), time.Now()
	}
}

// How the memory limit is held to: the process is looked at this often, and may
// have this much more resident than MemorySize, in bytes, since interpreters of
// other builds differ in what they take for themselves.
const (
	memoryLook  = 50 * time.Millisecond
	memorySlack = 32 << 20
)

// watchMemory closes over when the process has more memory than the function may
// have, unless the invocation is done before.
func (w *worker) watchMemory(over chan<- struct{}, done <-chan struct{}) {
	if w.running == nil {
		return
	}
	tick := time.NewTicker(memoryLook)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			if w.running.Memory() > *w.f.Config.MemorySize<<20+memorySlack {
				close(over)
				return
			}
		}
	}
}
