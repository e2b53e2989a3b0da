package states

import (
	"encoding/json"

	"stepwell/internal/asl/exec"
	api "stepwell/internal/awsapi/states"
)

// historyEvent is e as GetExecutionHistory shows it; without data: inputs,
// outputs and parameters are left out.
func historyEvent(e *exec.Event, data bool) api.HistoryEvent {
	out := api.HistoryEvent{
		Id: &e.ID, PreviousEventId: &e.PreviousID, Timestamp: new(millis(e.Time)), Type: new(string(e.Type)),
	}
	if detail := detailers[e.Type]; detail != nil {
		detail(&out, eventView{e, data})
	} else if n := len(e.Type); n > 12 && e.Type[n-12:] == "StateEntered" {
		enteredDetails(&out, eventView{e, data})
	} else if n > 11 && e.Type[n-11:] == "StateExited" {
		exitedDetails(&out, eventView{e, data})
	}
	return out
}

// eventView is an event with or without its data.
type eventView struct {
	*exec.Event
	data bool
}

func (v eventView) text(raw json.RawMessage) *string {
	if !v.data || raw == nil {
		return nil
	}
	return new(string(raw))
}

func (v eventView) details(raw json.RawMessage) *api.HistoryEventExecutionDataDetails {
	if !v.data || raw == nil {
		return nil
	}
	return &api.HistoryEventExecutionDataDetails{Truncated: new(false)}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func enteredDetails(out *api.HistoryEvent, v eventView) {
	out.StateEnteredEventDetails = &api.StateEnteredEventDetails{Name: &v.Name, Input: v.text(v.Input), InputDetails: v.details(v.Input)}
}

func exitedDetails(out *api.HistoryEvent, v eventView) {
	d := &api.StateExitedEventDetails{Name: &v.Name, Output: v.text(v.Output), OutputDetails: v.details(v.Output)}
	if v.Assigned != nil && v.data {
		d.AssignedVariables = v.Assigned
		d.AssignedVariablesDetails = &api.AssignedVariablesDetails{Truncated: new(false)}
	}
	out.StateExitedEventDetails = d
}

// detailers fill the details member that belongs to a type of event. State
// entries and exits are recognised by their suffix; other types have no details.
var detailers = map[exec.EventType]func(*api.HistoryEvent, eventView){
	"ActivityFailed": func(o *api.HistoryEvent, v eventView) {
		o.ActivityFailedEventDetails = &api.ActivityFailedEventDetails{Error: v.Error, Cause: v.Cause}
	},
	"ActivityScheduleFailed": func(o *api.HistoryEvent, v eventView) {
		o.ActivityScheduleFailedEventDetails = &api.ActivityScheduleFailedEventDetails{Error: v.Error, Cause: v.Cause}
	},
	"ActivityScheduled": func(o *api.HistoryEvent, v eventView) {
		o.ActivityScheduledEventDetails = &api.ActivityScheduledEventDetails{Resource: &v.Resource, Input: v.text(v.Input),
			InputDetails: v.details(v.Input), TimeoutInSeconds: v.Timeout, HeartbeatInSeconds: v.Heartbeat}
	},
	"ActivityStarted": func(o *api.HistoryEvent, v eventView) {
		o.ActivityStartedEventDetails = &api.ActivityStartedEventDetails{WorkerName: optional(v.WorkerName)}
	},
	"ActivitySucceeded": func(o *api.HistoryEvent, v eventView) {
		o.ActivitySucceededEventDetails = &api.ActivitySucceededEventDetails{Output: v.text(v.Output), OutputDetails: v.details(v.Output)}
	},
	"ActivityTimedOut": func(o *api.HistoryEvent, v eventView) {
		o.ActivityTimedOutEventDetails = &api.ActivityTimedOutEventDetails{Error: v.Error, Cause: v.Cause}
	},
	"LambdaFunctionFailed": func(o *api.HistoryEvent, v eventView) {
		o.LambdaFunctionFailedEventDetails = &api.LambdaFunctionFailedEventDetails{Error: v.Error, Cause: v.Cause}
	},
	"LambdaFunctionScheduleFailed": func(o *api.HistoryEvent, v eventView) {
		o.LambdaFunctionScheduleFailedEventDetails = &api.LambdaFunctionScheduleFailedEventDetails{Error: v.Error, Cause: v.Cause}
	},
	"LambdaFunctionScheduled": func(o *api.HistoryEvent, v eventView) {
		o.LambdaFunctionScheduledEventDetails = &api.LambdaFunctionScheduledEventDetails{Resource: &v.Resource,
			Input: v.text(v.Input), InputDetails: v.details(v.Input), TimeoutInSeconds: v.Timeout, TaskCredentials: credentials(v)}
	},
	"LambdaFunctionStartFailed": func(o *api.HistoryEvent, v eventView) {
		o.LambdaFunctionStartFailedEventDetails = &api.LambdaFunctionStartFailedEventDetails{Error: v.Error, Cause: v.Cause}
	},
	"LambdaFunctionSucceeded": func(o *api.HistoryEvent, v eventView) {
		o.LambdaFunctionSucceededEventDetails = &api.LambdaFunctionSucceededEventDetails{Output: v.text(v.Output), OutputDetails: v.details(v.Output)}
	},
	"LambdaFunctionTimedOut": func(o *api.HistoryEvent, v eventView) {
		o.LambdaFunctionTimedOutEventDetails = &api.LambdaFunctionTimedOutEventDetails{Error: v.Error, Cause: v.Cause}
	},
	"TaskFailed": func(o *api.HistoryEvent, v eventView) {
		o.TaskFailedEventDetails = &api.TaskFailedEventDetails{ResourceType: &v.ResourceType, Resource: &v.Resource, Error: v.Error, Cause: v.Cause}
	},
	"TaskScheduled": func(o *api.HistoryEvent, v eventView) {
		o.TaskScheduledEventDetails = &api.TaskScheduledEventDetails{ResourceType: &v.ResourceType, Resource: &v.Resource,
			Region: &v.Region, Parameters: parameters(v), TimeoutInSeconds: v.Timeout, HeartbeatInSeconds: v.Heartbeat, TaskCredentials: credentials(v)}
	},
	"TaskStartFailed": func(o *api.HistoryEvent, v eventView) {
		o.TaskStartFailedEventDetails = &api.TaskStartFailedEventDetails{ResourceType: &v.ResourceType, Resource: &v.Resource, Error: v.Error, Cause: v.Cause}
	},
	"TaskStarted": func(o *api.HistoryEvent, v eventView) {
		o.TaskStartedEventDetails = &api.TaskStartedEventDetails{ResourceType: &v.ResourceType, Resource: &v.Resource}
	},
	"TaskSubmitFailed": func(o *api.HistoryEvent, v eventView) {
		o.TaskSubmitFailedEventDetails = &api.TaskSubmitFailedEventDetails{ResourceType: &v.ResourceType, Resource: &v.Resource, Error: v.Error, Cause: v.Cause}
	},
	"TaskSubmitted": func(o *api.HistoryEvent, v eventView) {
		o.TaskSubmittedEventDetails = &api.TaskSubmittedEventDetails{ResourceType: &v.ResourceType, Resource: &v.Resource,
			Output: v.text(v.Output), OutputDetails: v.details(v.Output)}
	},
	"TaskSucceeded": func(o *api.HistoryEvent, v eventView) {
		o.TaskSucceededEventDetails = &api.TaskSucceededEventDetails{ResourceType: &v.ResourceType, Resource: &v.Resource,
			Output: v.text(v.Output), OutputDetails: v.details(v.Output)}
	},
	"TaskTimedOut": func(o *api.HistoryEvent, v eventView) {
		o.TaskTimedOutEventDetails = &api.TaskTimedOutEventDetails{ResourceType: &v.ResourceType, Resource: &v.Resource, Error: v.Error, Cause: v.Cause}
	},
	"ExecutionAborted": func(o *api.HistoryEvent, v eventView) {
		o.ExecutionAbortedEventDetails = &api.ExecutionAbortedEventDetails{Error: v.Error, Cause: v.Cause}
	},
	"ExecutionFailed": func(o *api.HistoryEvent, v eventView) {
		o.ExecutionFailedEventDetails = &api.ExecutionFailedEventDetails{Error: v.Error, Cause: v.Cause}
	},
	"ExecutionRedriven": func(o *api.HistoryEvent, v eventView) {
		o.ExecutionRedrivenEventDetails = &api.ExecutionRedrivenEventDetails{RedriveCount: &v.RedriveCount}
	},
	"MapRunRedriven": func(o *api.HistoryEvent, v eventView) {
		o.MapRunRedrivenEventDetails = &api.MapRunRedrivenEventDetails{MapRunArn: optional(v.MapRunARN), RedriveCount: &v.RedriveCount}
	},
	"ExecutionStarted": func(o *api.HistoryEvent, v eventView) {
		o.ExecutionStartedEventDetails = &api.ExecutionStartedEventDetails{Input: v.text(v.Input), InputDetails: v.details(v.Input), RoleArn: &v.RoleARN}
	},
	"ExecutionSucceeded": func(o *api.HistoryEvent, v eventView) {
		o.ExecutionSucceededEventDetails = &api.ExecutionSucceededEventDetails{Output: v.text(v.Output), OutputDetails: v.details(v.Output)}
	},
	"ExecutionTimedOut": func(o *api.HistoryEvent, v eventView) {
		o.ExecutionTimedOutEventDetails = &api.ExecutionTimedOutEventDetails{Error: v.Error, Cause: v.Cause}
	},
	"EvaluationFailed": func(o *api.HistoryEvent, v eventView) {
		o.EvaluationFailedEventDetails = &api.EvaluationFailedEventDetails{Error: v.Error, Cause: v.Cause, Location: optional(v.Location), State: &v.State}
	},
	"MapStateStarted": func(o *api.HistoryEvent, v eventView) {
		o.MapStateStartedEventDetails = &api.MapStateStartedEventDetails{Length: &v.Length}
	},
	"MapIterationStarted": func(o *api.HistoryEvent, v eventView) {
		o.MapIterationStartedEventDetails = &api.MapIterationEventDetails{Name: &v.Name, Index: &v.Index}
	},
	"MapIterationSucceeded": func(o *api.HistoryEvent, v eventView) {
		o.MapIterationSucceededEventDetails = &api.MapIterationEventDetails{Name: &v.Name, Index: &v.Index}
	},
	"MapIterationFailed": func(o *api.HistoryEvent, v eventView) {
		o.MapIterationFailedEventDetails = &api.MapIterationEventDetails{Name: &v.Name, Index: &v.Index}
	},
	"MapIterationAborted": func(o *api.HistoryEvent, v eventView) {
		o.MapIterationAbortedEventDetails = &api.MapIterationEventDetails{Name: &v.Name, Index: &v.Index}
	},
	"MapRunStarted": func(o *api.HistoryEvent, v eventView) {
		o.MapRunStartedEventDetails = &api.MapRunStartedEventDetails{MapRunArn: optional(v.MapRunARN)}
	},
	"MapRunFailed": func(o *api.HistoryEvent, v eventView) {
		o.MapRunFailedEventDetails = &api.MapRunFailedEventDetails{Error: v.Error, Cause: v.Cause}
	},
}

// parameters is a required member: it is there, empty, where data is left out.
func parameters(v eventView) *string {
	if text := v.text(v.Parameters); text != nil {
		return text
	}
	return new("")
}

func credentials(v eventView) *api.TaskCredentials {
	if v.CredentialRole == "" {
		return nil
	}
	return &api.TaskCredentials{RoleArn: &v.CredentialRole}
}
