package exec

import (
	"encoding/json"
	"time"
)

// Status is an execution's status as DescribeExecution spells it.
type Status string

const (
	Running   Status = "RUNNING"
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	TimedOut  Status = "TIMED_OUT"
	Aborted   Status = "ABORTED"
)

// Info says who an execution is; it feeds the context object ($$) and the
// ExecutionStarted event. It does not change while the execution runs, and the
// host keeps it: the journal does not hold it.
type Info struct {
	ID               string // execution ARN
	Name             string
	RoleARN          string
	StartTime        time.Time
	StateMachineID   string // state machine ARN
	StateMachineName string
	Region           string
	Input            json.RawMessage // JSON text, "{}" where the caller gave none
	Express          bool            // no history limit
}

// TaskID names one attempt of a Task state within its execution.
type TaskID int64

// Task is one attempt of a Task state that the host is to run. The host
// answers through Runner.Deliver with TaskStarted, TaskSubmitted,
// TaskSucceeded or TaskFailed inputs that carry the same Execution and ID.
//
// TaskStarted may be left out: TaskSubmitted, TaskSucceeded and TaskFailed
// write the ...Started event themselves where it is missing, except for an activity.
// A TaskFailed that says NotStarted writes no ...Started event.
type Task struct {
	Execution    string // Info.ID
	ID           TaskID
	Attempt      int    // 0 for the first, 1 for the first retry, ...
	State        string // the state's name
	Resource     string // as written in the definition
	ResourceType string // "glue", "aws-sdk:redshiftdata", "lambda", "activity"
	Action       string // "startJobRun.sync", "executeStatement"; the ARN for lambda and activity
	Parameters   json.RawMessage
	Timeout      time.Duration   // 0: none; exec itself enforces it
	Heartbeat    time.Duration   // 0: none; exec itself enforces it
	Credentials  json.RawMessage // the evaluated Credentials object; nil = absent
	Token        string          // what $$.Task.Token was; also the token of an activity task
	RoleARN      string          // the execution's role

	// What was known when the server went down (ResumeTask only).
	Started   bool            // TaskStarted was recorded
	Submitted bool            // TaskSubmitted was recorded
	Output    json.RawMessage // of the recorded TaskSubmitted
	Handle    []byte          // of the last TaskNoted; nil = none
}

// Input is one thing that happens to an execution.
type Input interface{ when() time.Time }

type (
	// Start begins the execution.
	Start struct{ At time.Time }
	// Continue lets an execution go on that stopped with Step.More.
	Continue struct{ At time.Time }
	// Resumed lets a restored execution go on. Heartbeat periods begin anew: nobody
	// could send one while no server was there.
	Resumed struct{ At time.Time }
	// Wake says that the time Step.Wake has come. Early or spurious ones do nothing.
	Wake struct{ At time.Time }
	// Stop aborts the execution (StopExecution).
	Stop struct {
		At           time.Time
		Error, Cause *string
	}
	// Expire ends the execution as timed out (the longest an Express execution may take).
	Expire struct{ At time.Time }
	// Redrive lets an execution go on that FAILED, TIMED_OUT or was ABORTED, at
	// the states that did not succeed (RedriveExecution). Retries count from 0 again.
	Redrive struct{ At time.Time }
	// TaskStarted: the task runs (an activity: a worker took it).
	TaskStarted struct {
		At         time.Time
		Task       TaskID
		WorkerName string
	}
	// TaskSubmitted: the called service accepted the job (.sync, .waitForTaskToken).
	// Output is the service's answer.
	TaskSubmitted struct {
		At     time.Time
		Task   TaskID
		Output json.RawMessage
	}
	// TaskHeartbeat restarts the heartbeat period.
	TaskHeartbeat struct {
		At   time.Time
		Task TaskID
	}
	// TaskNoted keeps Handle with the task in the journal, for ResumeTask.
	TaskNoted struct {
		At     time.Time
		Task   TaskID
		Handle []byte
	}
	// TaskSucceeded ends the task. Output is JSON text.
	TaskSucceeded struct {
		At     time.Time
		Task   TaskID
		Output json.RawMessage
	}
	// TaskFailed ends the task with an error. nil Error or Cause: absent in the
	// event (SendTaskFailure without them). NotStarted: the task could not even be
	// started (TaskScheduled is followed by TaskFailed without TaskStarted).
	TaskFailed struct {
		At           time.Time
		Task         TaskID
		Error, Cause *string
		NotStarted   bool
	}
)

func (i Start) when() time.Time         { return i.At }
func (i Continue) when() time.Time      { return i.At }
func (i Resumed) when() time.Time       { return i.At }
func (i Wake) when() time.Time          { return i.At }
func (i Stop) when() time.Time          { return i.At }
func (i Expire) when() time.Time        { return i.At }
func (i Redrive) when() time.Time       { return i.At }
func (i TaskStarted) when() time.Time   { return i.At }
func (i TaskSubmitted) when() time.Time { return i.At }
func (i TaskHeartbeat) when() time.Time { return i.At }
func (i TaskNoted) when() time.Time     { return i.At }
func (i TaskSucceeded) when() time.Time { return i.At }
func (i TaskFailed) when() time.Time    { return i.At }

// Step is what one Advance did.
type Step struct {
	// Journal is to be kept, in order, before anything below is acted on; nil:
	// nothing to keep. It holds the Events and private resume information.
	Journal []byte
	Events  []Event
	// Begin are tasks to start, Abandon tasks whose answer no longer matters
	// (timed out, aborted, a sibling branch failed).
	Begin   []Task
	Abandon []Task
	// BeginRuns are Map runs to start, AbandonRuns the ids of those that no longer matter.
	BeginRuns   []MapTask
	AbandonRuns []string
	// Wake is the time of the next Wake input; zero: none.
	Wake time.Time
	// More: the execution has more to do at once; feed it Continue.
	More bool
	// End is set by the step that ended the execution.
	End *Result
}

// Result is what an execution came to.
type Result struct {
	Status       Status
	At           time.Time
	Output       json.RawMessage // Succeeded only
	Error, Cause *string         // Failed, TimedOut, Aborted; nil = absent
	Full         bool            // its history has no room for a redrive

	// Of a child of a Map run (Runner.DeliverChild) only.
	Started  time.Time
	Redrives int64
	Before   bool // it ended before the Map run was last redriven, and is not redriven
}

// Env is what the core takes from the world besides inputs. Zero members have defaults.
type Env struct {
	// Token makes the task token of a task; default: random.
	Token func(execution string, task TaskID) string
	// UUID answers States.UUID; default: random (version 4).
	UUID func() string
	// Random answers States.MathRandom without a seed and retry jitter: a
	// number in [0, 1). Default: math/rand/v2.
	Random func() float64
}
