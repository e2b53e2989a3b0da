package states

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"stepwell/internal/asl/exec"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
)

// taskKey names a task of the whole service.
type taskKey struct {
	execution string
	id        exec.TaskID
}

// openTask is a task that the engine waits for.
type openTask struct {
	exec.Task
	s      *Service
	caller bus.Caller

	ctx    context.Context // ends when the answer no longer matters
	cancel context.CancelFunc
	called chan struct{} // closed once the request of a task that its token ends is made

	mu    sync.Mutex
	over  bool
	timer clock.Timer // of the next look at a job
	stop  func()      // stops the job that the task waits for
	busy  func()      // ends the Busy of the worker that has an activity task
	late  *lateAnswer // nil: there is none
}

// taskTable finds open tasks, by key and by token.
type taskTable struct {
	mu      sync.Mutex
	byKey   map[taskKey]*openTask
	byToken map[string]*openTask
}

func (t *taskTable) init() {
	t.byKey, t.byToken = map[taskKey]*openTask{}, map[string]*openTask{}
}

func (t *taskTable) add(o *openTask) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byKey[o.key()] = o
	if o.tokenEnds() {
		t.byToken[o.Token] = o
	}
}

// tokenEnds reports whether the task can be ended by its token: so can tasks
// that wait for a job.
func (o *openTask) tokenEnds() bool {
	_, pattern, _ := strings.Cut(o.Action, ".")
	return o.ResourceType == "activity" || pattern == patternToken || pattern == patternSync || pattern == patternSync2
}

func (t *taskTable) remove(key taskKey) *openTask {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.byKey[key]
	if o != nil {
		delete(t.byKey, key)
		delete(t.byToken, o.Token)
	}
	return o
}

func (t *taskTable) withToken(token string) *openTask {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byToken[token]
}

// spawn runs f beside the caller.
func (o *openTask) spawn(f func()) {
	done := o.s.Clock.Busy()
	go func() {
		defer done()
		f()
	}()
}

func (o *openTask) key() taskKey { return taskKey{o.Execution, o.ID} }

// open begins to wait for a task.
func (s *Service) open(ctx context.Context, t exec.Task) *openTask {
	o := &openTask{Task: t, s: s, called: make(chan struct{})}
	o.caller = s.callerOf(&t)
	o.ctx, o.cancel = context.WithCancel(bus.With(ctx, o.caller))
	s.tasks.add(o)
	return o
}

// callerOf is who a task calls as: the execution's role, or the one of the
// state's Credentials, in that role's account.
func (s *Service) callerOf(t *exec.Task) bus.Caller {
	self, _ := bus.ParseARN(t.Execution)
	role := t.RoleARN
	if r := credentialRole(t.Credentials); r != "" {
		role = r
	}
	c := bus.Caller{Account: self.Account, Region: self.Region, Principal: role, Source: "states", RequestID: requestID(t, "")}
	if session, ok := bus.AssumedRole(role, t.Execution[strings.LastIndexByte(t.Execution, ':')+1:]); ok {
		a, _ := bus.ParseARN(role)
		c.Account, c.Principal = a.Account, session
	}
	return c
}

// requestID is derived from the task, so that a call that is made again after
// a restart carries the id of the first one. It has the form of a UUID.
func requestID(t *exec.Task, purpose string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%s", t.Execution, t.ID, purpose))
	sum[6] = sum[6]&0x0f | 0x50
	sum[8] = sum[8]&0x3f | 0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// hold keeps the clock busy while a worker has the task: it works on it.
func (o *openTask) hold() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.over && o.busy == nil {
		o.busy = o.s.Clock.Busy()
	}
}

func (o *openTask) letGo() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy != nil {
		o.busy()
		o.busy = nil
	}
}

// claim reports whether the caller is the one to end the task.
func (o *openTask) claim() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return false
	}
	o.over = true
	if o.timer != nil {
		o.timer.Stop()
	}
	return true
}

// unclaim takes a claim back whose answer did not reach the engine.
func (o *openTask) unclaim() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = false
}

// succeed ends the task with output, JSON text.
func (o *openTask) succeed(output []byte) {
	if len(output) > maxPayload {
		o.fail("States.DataLimitExceeded", fmt.Sprintf("The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", o.ResourceType))
		return
	}
	if o.claim() {
		o.close()
		o.deliver(exec.TaskSucceeded{At: o.s.Clock.Now(), Task: o.ID, Output: output})
	}
}

// fail ends the task with an error.
func (o *openTask) fail(name, cause string) {
	if o.claim() {
		o.close()
		o.deliver(exec.TaskFailed{At: o.s.Clock.Now(), Task: o.ID, Error: &name, Cause: &cause})
	}
}

// close forgets the task.
func (o *openTask) close() {
	o.s.tasks.remove(o.key())
	o.cancel()
	o.letGo()
}

// deliver tells the engine. A task or execution that has gone in the meantime does not mind.
func (o *openTask) deliver(in exec.Input) {
	err := o.s.runner.Deliver(o.Execution, in)
	if err != nil && !errors.Is(err, exec.ErrNoExecution) && !errors.Is(err, exec.ErrNoTask) && !errors.Is(err, exec.ErrClosed) {
		o.s.Log.Error("task cannot be answered", "execution", o.Execution, "state", o.State, "error", err)
	}
}

// commitWait bounds how long an answer waits to become durable.
const commitWait = 15 * time.Second

// deliverSync tells the engine and waits until what follows is durable. It
// does so even where the client has gone: the engine has the input by then.
// Where the disk is known to be full it refuses at once.
func (s *Service) deliverSync(ctx context.Context, execution string, in exec.Input) error {
	if err := s.Store.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.commitWait)
	defer cancel()
	err := s.runner.DeliverSync(ctx, execution, in)
	if fault := s.Store.Err(); fault != nil && errors.Is(err, context.DeadlineExceeded) {
		err = fault
	}
	return err
}

// after calls f in d, unless the task has ended by then.
func (o *openTask) after(d time.Duration, f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.over {
		o.timer = o.s.Clock.AfterFunc(d, f)
	}
}

// onAbandon sets what is to be done when the engine gives the task up.
func (o *openTask) onAbandon(stop func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stop = stop
}

// BeginTask starts a task.
func (h host) BeginTask(ctx context.Context, t exec.Task) {
	o := h.s.open(ctx, t)
	if o.mock() {
		return
	}
	if t.ResourceType == "activity" {
		h.s.queues.offer(o)
		return
	}
	o.spawn(func() { o.run(false) })
}

// ResumeTask goes on with a task that an earlier server may have begun.
func (h host) ResumeTask(ctx context.Context, t exec.Task) {
	o := h.s.open(ctx, t)
	if o.mock() {
		return
	}
	if t.ResourceType == "activity" {
		if !t.Started {
			h.s.queues.offer(o)
		}
		return // a worker has it, and its token
	}
	o.spawn(func() {
		if t.Submitted {
			close(o.called)
			o.attach(t.Output)
		} else {
			o.run(true)
		}
	})
}

// AbandonTask gives a task up; a job that it waits for is stopped, as AWS does
// as far as it can.
func (h host) AbandonTask(_ context.Context, t exec.Task) {
	o := h.s.tasks.remove(taskKey{t.Execution, t.ID})
	if o == nil || !o.claim() {
		return
	}
	o.cancel()
	o.letGo()
	if o.ResourceType == "activity" {
		h.s.queues.withdraw(o)
	}
	o.mu.Lock()
	stop := o.stop
	o.mu.Unlock()
	if stop != nil {
		o.spawn(stop)
	}
}

// token makes the token of a task: it names the task, so that one that is
// no longer open can be told from one that never was, and cannot be guessed.
func (s *Service) token(execution string, id exec.TaskID) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "\x00*\x00\x00%s\n%d\n%s", execution, id, s.IDs.Hex(24)))
}

// ownToken reports whether a token has the form of those that token makes.
func ownToken(token string) bool {
	data, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return false
	}
	rest, ok := strings.CutPrefix(string(data), "\x00*\x00\x00arn:")
	return ok && strings.Count(rest, "\n") == 2
}

// credentialFault says what is wrong with a state's Credentials; "" = nothing. A task
// whose role cannot be read must not call as the execution's role instead.
func credentialFault(credentials json.RawMessage) string {
	if len(credentials) == 0 || checkRole(credentialRole(credentials)) == nil {
		return ""
	}
	return fmt.Sprintf("The Credentials '%s' could not be used to start the Task: [The field \"RoleArn\" must be the ARN of an IAM role]", credentials)
}

// credentialRole reads RoleArn of a state's Credentials.
func credentialRole(credentials json.RawMessage) string {
	var c struct{ RoleArn string }
	if len(credentials) == 0 || json.Unmarshal(credentials, &c) != nil {
		return ""
	}
	return c.RoleArn
}
