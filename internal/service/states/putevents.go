package states

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"stepwell/internal/asl/exec"
	"stepwell/internal/awsapi/events"
)

// eventEntries gives the entries of events:putEvents their details as text and
// adds the state machine and the execution to their resources (developer guide,
// "Call EventBridge with Step Functions").
func eventEntries(t *exec.Task, params json.RawMessage) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(params, &all); err != nil {
		return nil, fmt.Errorf("cannot read parameters: %w", err)
	}
	var entries []map[string]json.RawMessage
	if json.Unmarshal(all["Entries"], &entries) != nil {
		return params, nil // what is wrong with them is said where they are read
	}
	machine := machineOf(t.Execution)
	for _, e := range entries {
		if e == nil {
			continue
		}
		if d := bytes.TrimSpace(e["Detail"]); len(d) > 0 && d[0] != '"' && string(d) != "null" {
			text, err := json.Marshal(string(d))
			if err != nil {
				return nil, err
			}
			e["Detail"] = text
		}
		var resources []string
		if r := e["Resources"]; len(r) > 0 && json.Unmarshal(r, &resources) != nil {
			continue
		}
		text, err := json.Marshal(append(resources, machine, t.Execution))
		if err != nil {
			return nil, err
		}
		e["Resources"] = text
	}
	text, err := json.Marshal(entries)
	if err != nil {
		return nil, err
	}
	all["Entries"] = text
	return json.Marshal(all)
}

// machineOf is the ARN of the state machine that an execution's ARN names.
func machineOf(execution string) string {
	for _, kind := range []string{":" + kindExecution + ":", ":" + kindExpress + ":"} {
		if head, tail, ok := strings.Cut(execution, kind); ok {
			name, _, _ := strings.Cut(tail, ":")
			return head + ":" + kindMachine + ":" + name
		}
	}
	return execution
}

// failedEntries makes an error of an answer with entries that failed.
func failedEntries(out any) (name string, is bool) {
	o, ok := out.(*events.PutEventsOutput)
	return "EventBridge.FailedEntry", ok && value(o.FailedEntryCount) > 0
}

// refused is the error that an answer of the operation stands for.
func (c *call) refused(out any) (name string, is bool) {
	if c.optimized == nil || c.optimized.refused == nil {
		return "", false
	}
	return c.optimized.refused(out)
}
