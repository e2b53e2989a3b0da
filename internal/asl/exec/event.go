package exec

import (
	"encoding/json"
	"time"
)

// EventType is the type of a history event, spelled as GetExecutionHistory does.
type EventType string

// Event is one public history event: the union of all details members that
// HistoryEvent of the Step Functions API has. Which members are set follows
// from Type; MarshalJSON writes the API's own form.
type Event struct {
	ID         int64
	PreviousID int64
	Time       time.Time
	Type       EventType

	// Name is the state's name of ...StateEntered and ...StateExited and the
	// Map state's name of MapIteration...; Index is the iteration's.
	Name  string
	Index int64
	// Length is the number of items of MapStateStarted.
	Length int64

	// Input of ExecutionStarted, ...StateEntered, LambdaFunctionScheduled and
	// ActivityScheduled; Output of ...Exited, ...Submitted, ...Succeeded. JSON text.
	Input  json.RawMessage
	Output json.RawMessage
	// Assigned holds the variables a ...StateExited event has assigned, each as
	// JSON text; nil where the state assigns none.
	Assigned map[string]string

	// Error and Cause of the ...Failed, ...TimedOut and ExecutionAborted events; nil = absent.
	Error *string
	Cause *string
	// Location and State of EvaluationFailed.
	Location string
	State    string

	// Members of the Task..., LambdaFunction... and Activity... events.
	ResourceType   string
	Resource       string
	Region         string
	Parameters     json.RawMessage
	Timeout        *int64 // seconds
	Heartbeat      *int64 // seconds
	CredentialRole string // taskCredentials.roleArn
	WorkerName     string

	// RoleARN of ExecutionStarted, MapRunARN of MapRunStarted and MapRunRedriven.
	RoleARN   string
	MapRunARN string

	// RedriveCount of ExecutionRedriven and MapRunRedriven.
	RedriveCount int64
}
