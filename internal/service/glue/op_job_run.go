package glue

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// pythonLogs is the common part of the log groups of Python shell runs: lines
// of stdout go to .../output, those of stderr to .../error.
const pythonLogs = "/aws-glue/python-jobs"

// startJobRun records the run and hands it to the engine: it starts once the
// record is durable.
func (s *Service) startJobRun(ctx context.Context, r *glue.StartJobRunInput) (*glue.StartJobRunOutput, error) {
	at, err := in(ctx, nil)
	if err != nil {
		return nil, err
	}
	out := &glue.StartJobRunOutput{JobRunId: new(s.runID(bus.From(ctx)))}
	return out, s.Store.Update(ctx, func(tx *store.Tx) error {
		j, err := job(tx, at, *r.JobName, jobToStartNotFound())
		if err != nil {
			return err
		}
		if _, started, err := runs.Get(tx, at.key(*j.Name, *out.JobRunId)...); err != nil || started {
			return err
		}
		if err := s.mayStart(tx, at, j, r); err != nil {
			return err
		}
		rec := s.newRun(ctx, j, r)
		rec.Run.Id = out.JobRunId
		return s.submit(tx, at, rec)
	})
}

// runID names a new run. A Task state's request has an id of its own that is
// the same when it is repeated after a restart; so is the id of its run, which
// is then found to have been started.
func (s *Service) runID(c bus.Caller) string {
	if c.Source != "states" || c.RequestID == "" {
		return "jr_" + s.IDs.Hex(32)
	}
	sum := sha256.Sum256([]byte(c.Account + "/" + c.Region + "/" + c.RequestID))
	return "jr_" + hex.EncodeToString(sum[:])
}

// mayStart checks that a run can start now.
func (s *Service) mayStart(tx *store.Tx, at scope, j glue.Job, r *glue.StartJobRunInput) error {
	if name := text(j.Command.Name); name != pythonShell {
		return awserr.NotImplemented("glue:StartJobRun for jobs of the command " + name + " (only pythonshell runs)")
	}
	if err := checkCapacity(r.MaxCapacity, r.WorkerType, r.NumberOfWorkers, *j.Command); err != nil {
		return err
	}
	if r.JobRunId != nil {
		if _, there, err := runs.Get(tx, at.key(*j.Name, *r.JobRunId)...); err != nil || !there {
			return cmp.Or[error](err, runNotFound(*r.JobRunId))
		}
	}
	active, err := activeRuns.List(tx, at.key(*j.Name)...)
	if err == nil && int64(len(active)) >= *j.ExecutionProperty.MaxConcurrentRuns {
		err = tooManyRuns(*j.Name)
	}
	return err
}

// newRun makes the record of a run: what the request says goes before what the
// job says.
func (s *Service) newRun(ctx context.Context, j glue.Job, r *glue.StartJobRunInput) runRecord {
	run := glue.JobRun{
		Attempt: new(int64(0)), PreviousRunId: r.JobRunId, JobName: j.Name, JobMode: j.JobMode,
		JobRunState: new(glue.JobRunStateStarting), Arguments: r.Arguments, PredecessorRuns: []glue.Predecessor{},
		AllocatedCapacity: new(int64(0)), ExecutionTime: new(int64(0)), Timeout: j.Timeout, MaxCapacity: j.MaxCapacity,
		SecurityConfiguration: j.SecurityConfiguration, LogGroupName: new(pythonLogs),
		NotificationProperty: j.NotificationProperty, GlueVersion: j.GlueVersion, JobRunQueuingEnabled: new(false),
	}
	prefer(&run.Timeout, r.Timeout)
	prefer(&run.MaxCapacity, r.MaxCapacity)
	prefer(&run.SecurityConfiguration, r.SecurityConfiguration)
	prefer(&run.NotificationProperty, r.NotificationProperty)
	return runRecord{
		Run: run, Command: *j.Command, Retries: *j.MaxRetries, Caller: asRole(bus.From(ctx), *j.Role),
		Arguments: mergeArguments(j.DefaultArguments, r.Arguments, j.NonOverridableArguments),
	}
}

// asRole is the caller that a run is: the job's role in the account that started it.
func asRole(c bus.Caller, role string) bus.Caller {
	if _, named := bus.ParseARN(role); !named {
		role = "arn:aws:iam::" + c.Account + ":role/" + role
	}
	c.Principal, c.AccessKey, c.Source = role, "", "glue"
	return c
}

// prefer sets *p to what is given.
func prefer[T any](p **T, given *T) {
	if given != nil {
		*p = given
	}
}

func mergeArguments(sets ...map[string]string) map[string]string {
	merged := map[string]string{}
	for _, set := range sets {
		for k, v := range set {
			merged[k] = v
		}
	}
	return merged
}

// submit writes a new run and its task.
func (s *Service) submit(tx *store.Tx, at scope, rec runRecord) error {
	now := s.now()
	rec.Run.StartedOn, rec.Run.LastModifiedOn = now, now
	jobName, id := *rec.Run.JobName, *rec.Run.Id
	if err := runs.Put(tx, rec, at.key(jobName, id)...); err != nil {
		return err
	}
	if err := runOrder.Put(tx, id, at.key(jobName, latestFirst(*now), id)...); err != nil {
		return err
	}
	if err := activeRuns.Put(tx, id, at.key(jobName, id)...); err != nil {
		return err
	}
	payload, err := json.Marshal(runPayload{Job: jobName, Run: id})
	if err != nil {
		return err
	}
	return s.Work.Submit(tx, work.Task{Kind: runKind, ID: id, Caller: rec.Caller, Payload: payload})
}

func (s *Service) getJobRun(ctx context.Context, r *glue.GetJobRunInput) (*glue.GetJobRunOutput, error) {
	at, err := in(ctx, nil)
	if err != nil {
		return nil, err
	}
	out := &glue.GetJobRunOutput{}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		rec, there, err := runs.Get(tx, at.key(*r.JobName, *r.RunId)...)
		if err != nil || there {
			out.JobRun = s.show(rec)
			return err
		}
		if _, err := job(tx, at, *r.JobName, jobNotFound()); err != nil {
			return err
		}
		return runNotFound(*r.RunId)
	})
}

// show is a run as it is now: one that goes on has run until now.
func (s *Service) show(rec runRecord) *glue.JobRun {
	run := rec.Run
	if rec.Since != nil && run.CompletedOn == nil {
		run.ExecutionTime = new(int64(s.Clock.Now().Sub(*rec.Since).Seconds()))
	}
	return &run
}

// getJobRuns lists the runs of a job, the latest first.
func (s *Service) getJobRuns(ctx context.Context, r *glue.GetJobRunsInput) (*glue.GetJobRunsOutput, error) {
	at, err := in(ctx, nil)
	if err != nil {
		return nil, err
	}
	out := &glue.GetJobRunsOutput{JobRuns: []glue.JobRun{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		if _, err := job(tx, at, *r.JobName, jobNotFound()); err != nil {
			return err
		}
		ids, next, err := page(tx, runOrder, r.NextToken, r.MaxResults, 200, at.key(*r.JobName)...)
		if err != nil {
			return err
		}
		for _, id := range ids {
			rec, _, err := runs.Get(tx, at.key(*r.JobName, id)...)
			if err != nil {
				return err
			}
			out.JobRuns = append(out.JobRuns, *s.show(rec))
		}
		out.NextToken = next
		return nil
	})
}

// batchStopJobRun marks runs as STOPPING and ends their processes; each becomes
// STOPPED when its processes are gone.
func (s *Service) batchStopJobRun(ctx context.Context, r *glue.BatchStopJobRunInput) (*glue.BatchStopJobRunOutput, error) {
	at, err := in(ctx, nil)
	if err != nil {
		return nil, err
	}
	out := &glue.BatchStopJobRunOutput{
		SuccessfulSubmissions: []glue.BatchStopJobRunSuccessfulSubmission{}, Errors: []glue.BatchStopJobRunError{},
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		for _, id := range r.JobRunIds {
			err := s.markStopping(tx, at, *r.JobName, id)
			if d, ok := detail(err); ok {
				out.Errors = append(out.Errors, glue.BatchStopJobRunError{JobName: r.JobName, JobRunId: new(id), ErrorDetail: d})
			} else if err != nil {
				return err
			} else {
				out.SuccessfulSubmissions = append(out.SuccessfulSubmissions,
					glue.BatchStopJobRunSuccessfulSubmission{JobName: r.JobName, JobRunId: new(id)})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, submitted := range out.SuccessfulSubmissions {
		s.Work.Cancel(runKind, *submitted.JobRunId)
	}
	return out, nil
}

func (s *Service) markStopping(tx *store.Tx, at scope, jobName, id string) error {
	rec, there, err := runs.Get(tx, at.key(jobName, id)...)
	if err != nil || !there {
		return cmp.Or[error](err, runNotFound(id))
	}
	if !slices.Contains([]string{glue.JobRunStateStarting, glue.JobRunStateRunning, glue.JobRunStateStopping}, *rec.Run.JobRunState) {
		return notStoppable()
	}
	rec.Run.JobRunState, rec.Run.LastModifiedOn = new(glue.JobRunStateStopping), s.now()
	return runs.Put(tx, rec, at.key(jobName, id)...)
}
