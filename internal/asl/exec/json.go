package exec

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"stepwell/internal/asl/value"
)

// MarshalJSON writes the event as GetExecutionHistory answers it; the
// timestamp is in seconds with milliseconds.
func (e *Event) MarshalJSON() ([]byte, error) {
	o := value.NewObject(
		value.Member{Name: "timestamp", Value: value.Float(float64(e.Time.UnixMilli()) / 1000)},
		value.Member{Name: "type", Value: string(e.Type)},
		value.Member{Name: "id", Value: value.Int(e.ID)},
		value.Member{Name: "previousEventId", Value: value.Int(e.PreviousID)})
	if name, details := e.details(); name != "" {
		o.Set(name, details)
	}
	return value.Text(o), nil
}

var _ json.Marshaler = (*Event)(nil)

// details is the name and content of the event's details member; "" = none.
func (e *Event) details() (string, *value.Object) {
	kind := string(e.Type)
	o := &value.Object{}
	switch {
	case strings.HasSuffix(kind, "StateEntered"):
		o.Set("name", e.Name)
		putData(o, "input", e.Input)
		return "stateEnteredEventDetails", o
	case strings.HasSuffix(kind, "StateExited"):
		o.Set("name", e.Name)
		putData(o, "output", e.Output)
		e.putAssigned(o)
		return "stateExitedEventDetails", o
	case strings.HasPrefix(kind, "MapIteration"):
		o.Set("name", e.Name)
		o.Set("index", value.Int(e.Index))
	case strings.HasSuffix(kind, "Redriven"):
		o.Set("redriveCount", value.Int(e.RedriveCount))
	case kind == "MapStateStarted":
		o.Set("length", value.Int(e.Length))
	case strings.HasSuffix(kind, "StateAborted"), strings.HasPrefix(kind, "ParallelState"), strings.HasPrefix(kind, "MapState"),
		kind == "LambdaFunctionStarted", kind == "MapRunSucceeded", kind == "MapRunAborted":
		return "", nil
	}
	e.putTask(o)
	return strings.ToLower(kind[:1]) + kind[1:] + "EventDetails", o
}

func (e *Event) putTask(o *value.Object) {
	for _, m := range []struct{ name, text string }{{"resourceType", e.ResourceType}, {"resource", e.Resource}, {"region", e.Region},
		{"roleArn", e.RoleARN}, {"mapRunArn", e.MapRunARN}, {"workerName", e.WorkerName}, {"location", e.Location}, {"state", e.State}} {
		if m.text != "" {
			o.Set(m.name, m.text)
		}
	}
	putData(o, "input", e.Input)
	putData(o, "output", e.Output)
	if e.Parameters != nil {
		o.Set("parameters", string(e.Parameters))
	}
	if e.Timeout != nil {
		o.Set("timeoutInSeconds", value.Int(*e.Timeout))
	}
	if e.Heartbeat != nil {
		o.Set("heartbeatInSeconds", value.Int(*e.Heartbeat))
	}
	if e.Error != nil {
		o.Set("error", *e.Error)
	}
	if e.Cause != nil {
		o.Set("cause", *e.Cause)
	}
	if e.CredentialRole != "" {
		o.Set("taskCredentials", value.NewObject(value.Member{Name: "roleArn", Value: e.CredentialRole}))
	}
}

func (e *Event) putAssigned(o *value.Object) {
	if len(e.Assigned) == 0 {
		return
	}
	vars := &value.Object{}
	for _, n := range slices.Sorted(maps.Keys(e.Assigned)) {
		vars.Set(n, e.Assigned[n])
	}
	o.Set("assignedVariables", vars)
	o.Set("assignedVariablesDetails", value.NewObject(value.Member{Name: "truncated", Value: false}))
}

func putData(o *value.Object, name string, data []byte) {
	if data != nil {
		o.Set(name, string(data))
		o.Set(name+"Details", value.NewObject(value.Member{Name: "truncated", Value: false}))
	}
}
