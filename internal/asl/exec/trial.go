package exec

import (
	"encoding/json"
)

// Trial is one run of one state, as TestState makes it: no history is kept, no
// timer is set, and a Task state's work is Mock's answer or what Call gives.
type Trial struct {
	Machine   *Machine
	State     string          // the state's name, at any depth of the machine
	Info      Info            // who the execution is; Info.Input is the state's input
	Context   json.RawMessage // $$ as the caller gave it, an object; nil: made from Info
	Variables json.RawMessage // an object of variables in scope; nil: none

	Mock *Mock // nil: none
	// Call runs a Task state's work where there is no mock; nil: a Task state needs a mock.
	Call func(Task) Mock

	RetryCount       int64           // retries that the matching retrier has made already
	CausedBy         string          // the inner state that the mocked error of a Map or Parallel comes from
	FailedIterations int64           // iterations of a Map state that failed
	ReaderData       json.RawMessage // what the ItemReader of a Map state reads; nil: not given
}

// Mock is what a state's work comes to: Result, or an error where Failed.
type Mock struct {
	Result       json.RawMessage // JSON text
	Failed       bool
	Error, Cause *string
}

// Verdict is what a trial came to.
type Verdict struct {
	Status       string // SUCCEEDED, FAILED, RETRIABLE, CAUGHT_ERROR
	Output       json.RawMessage
	Error, Cause *string
	Next         string // "" = the machine ends
	Inspection   Inspection
}

// Inspection is the data of a state between its steps; nil members did not
// come to be. Which of them TestState shows follows from its inspection level.
type Inspection struct {
	Input               json.RawMessage
	AfterInputPath      json.RawMessage
	AfterParameters     json.RawMessage
	AfterArguments      json.RawMessage // JSONata
	Result              json.RawMessage
	AfterResultSelector json.RawMessage
	AfterResultPath     json.RawMessage
	Variables           json.RawMessage // those assigned, as an object

	// Of Map states.
	AfterItemsPath    json.RawMessage
	AfterItemsPointer json.RawMessage
	AfterItemSelector json.RawMessage // an array, one element per item
	AfterItemBatcher  json.RawMessage
	MaxConcurrency    *int64
	ToleratedCount    *int64
	ToleratedShare    *float64

	// Of failures: the retrier or catcher that took the error.
	RetryIndex, CatchIndex *int64
	Backoff                *int64 // seconds before the retry
}
