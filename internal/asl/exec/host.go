package exec

import "context"

// Host is what a Runner needs around it. Calls for one execution come one at
// a time; calls for different executions come concurrently.
type Host interface {
	// Commit makes one or more journal groups of an execution durable and
	// returns when they are (group commit with other executions is the host's affair).
	// An error stops the execution's progress where it is: the runner keeps the
	// groups and repeats the call after a pause.
	Commit(ctx context.Context, c Commit) error
	// BeginTask starts a task. What led to it is durable. It must not block on
	// the task's work; answers come through Runner.Deliver, and may come at once.
	// ctx ends when the runner is closed, not when the task is abandoned.
	BeginTask(ctx context.Context, t Task)
	// ResumeTask is BeginTask for a task that was begun before a restart
	// (perhaps: the server may have died between commit and BeginTask). The
	// host re-attaches to it (Handle, Output), begins it again, or delivers TaskFailed.
	ResumeTask(ctx context.Context, t Task)
	// AbandonTask says that the task's answer no longer matters.
	AbandonTask(ctx context.Context, t Task)
}

// Commit is what one Host.Commit call is to make durable, in one transaction.
type Commit struct {
	Execution string   // Info.ID
	Journal   [][]byte // groups to append to the execution's journal, in order
	Events    []Event  // the public events in Journal
	End       *Result  // not nil: the execution ends with this commit
}
