package states

import (
	"encoding/json"
	"time"
)

// StatusChangeType is the detail type of the events of status changes; their
// source is aws.states and their resource the execution.
const StatusChangeType = "Step Functions Execution Status Change"

// maxEventData is how long input and output of an event may be together, as
// they stand in the event's text (developer guide, "Automating Step Functions
// event delivery with EventBridge").
const maxEventData = 248 << 10

// statusDetail is the detail of a status change's event.
type statusDetail struct {
	ExecutionARN string       `json:"executionArn"`
	MachineARN   string       `json:"stateMachineArn"`
	Name         string       `json:"name"`
	Status       string       `json:"status"`
	Start        int64        `json:"startDate"`
	Stop         *int64       `json:"stopDate"`
	Input        *string      `json:"input"`
	Output       *string      `json:"output"`
	VersionARN   *string      `json:"stateMachineVersionArn"`
	AliasARN     *string      `json:"stateMachineAliasArn"`
	Redrives     int64        `json:"redriveCount"`
	Redriven     *int64       `json:"redriveDate"`
	Redrivable   *string      `json:"redriveStatus"`
	RedriveWhy   *string      `json:"redriveStatusReason"`
	InputThere   *dataInEvent `json:"inputDetails"`
	OutputThere  *dataInEvent `json:"outputDetails"`
	Error        *string      `json:"error"`
	Cause        *string      `json:"cause"`
}

// dataInEvent says whether data that is too long was left out.
type dataInEvent struct {
	Included bool `json:"included"`
}

// Detail is the detail of the change's event, a JSON object.
func (c StatusChange) Detail() (json.RawMessage, error) {
	e := c.Execution
	d := statusDetail{
		ExecutionARN: value(e.ExecutionArn), MachineARN: value(e.StateMachineArn), Name: value(e.Name), Status: value(e.Status),
		Start: value(e.StartDate).UnixMilli(), Stop: milliseconds(e.StopDate), Input: e.Input, Output: e.Output,
		VersionARN: e.StateMachineVersionArn, AliasARN: e.StateMachineAliasArn, Redrives: value(e.RedriveCount),
		Redriven: milliseconds(e.RedriveDate), Redrivable: e.RedriveStatus, RedriveWhy: e.RedriveStatusReason,
		InputThere: &dataInEvent{true}, Error: e.Error, Cause: e.Cause,
	}
	if d.Output != nil {
		d.OutputThere = &dataInEvent{true}
	}
	if escapedLength(d.Input)+escapedLength(d.Output) > maxEventData {
		d.Input, d.InputThere.Included = nil, false
		if escapedLength(d.Output) > maxEventData {
			d.Output, d.OutputThere.Included = nil, false
		}
	}
	return marshal(d)
}

func milliseconds(t *time.Time) *int64 {
	if t == nil {
		return nil
	}
	return new(t.UnixMilli())
}

func escapedLength(text *string) int {
	if text == nil {
		return 0
	}
	quoted, err := json.Marshal(*text)
	if err != nil {
		return len(*text)
	}
	return len(quoted)
}
