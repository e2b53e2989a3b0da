package glue

import (
	"context"
	"time"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/store"
)

// stateChange is the detail of EventBridge's "Glue Job State Change".
type stateChange struct {
	JobName  string `json:"jobName"`
	Severity string `json:"severity"`
	State    string `json:"state"`
	JobRunID string `json:"jobRunId"`
	Message  string `json:"message"`
}

// publish tells that a run ends.
func (s *Service) publish(tx *store.Tx, at scope, rec *runRecord, o outcome) error {
	e := stateChange{JobName: *rec.Run.JobName, Severity: "INFO", State: o.state, JobRunID: *rec.Run.Id, Message: o.message}
	switch o.state {
	case glue.JobRunStateSucceeded:
		e.Message = "Job run succeeded"
	case glue.JobRunStateStopped:
		e.Message = "Job run stopped"
	case glue.JobRunStateTimeout:
		e.Severity = "WARN"
	default:
		e.Severity = "ERROR"
	}
	return s.Events(tx, at.account, at.region, "Glue Job State Change", nil, e)
}

// runStatus is the detail of EventBridge's "Glue Job Run Status", which tells
// that a run takes longer than its NotificationProperty says.
type runStatus struct {
	JobName   string           `json:"jobName"`
	Severity  string           `json:"severity"`
	Condition map[string]int64 `json:"notificationCondition"`
	State     string           `json:"state"`
	JobRunID  string           `json:"jobRunId"`
	Message   string           `json:"message"`
	StartedOn string           `json:"startedOn"`
}

// notifyDelay arranges for the notice about a slow run; stop calls it off.
func (s *Service) notifyDelay(ctx context.Context, at scope, rec runRecord) (stop func()) {
	p := rec.Run.NotificationProperty
	if p == nil || p.NotifyDelayAfter == nil || *p.NotifyDelayAfter <= 0 {
		return func() {}
	}
	t := s.Clock.AfterFunc(time.Duration(*p.NotifyDelayAfter)*time.Minute, func() {
		err := s.Store.Update(ctx, func(tx *store.Tx) error {
			return s.Events(tx, at.account, at.region, "Glue Job Run Status", nil, runStatus{
				JobName: *rec.Run.JobName, Severity: "INFO", Condition: map[string]int64{"NotifyDelayAfter": *p.NotifyDelayAfter},
				State: glue.JobRunStateRunning, JobRunID: *rec.Run.Id, Message: "Job is in RUNNING state",
				StartedOn: rec.Run.StartedOn.Format("2006-01-02T15:04:05.000Z"),
			})
		})
		if err != nil && ctx.Err() == nil {
			s.Log.Error("notice of a slow run was not put", "run", *rec.Run.Id, "error", err)
		}
	})
	return func() { t.Stop() }
}
