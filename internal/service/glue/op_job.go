package glue

import (
	"cmp"
	"context"
	"slices"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// The commands of jobs.
const (
	pythonShell = "pythonshell"
	sparkETL    = "glueetl"
	sparkStream = "gluestreaming"
	rayCommand  = "glueray"
	pythonDPU   = 0.0625 // default MaxCapacity of Python shell jobs
	sparkDPU    = 10.0   // and of Spark jobs
	jobTimeout  = 2880   // default Timeout, minutes
)

func (s *Service) createJob(ctx context.Context, r *glue.CreateJobInput) (*glue.CreateJobOutput, error) {
	at, err := in(ctx, nil)
	if err != nil {
		return nil, err
	}
	j := glue.Job{
		Name: r.Name, JobMode: r.JobMode, Description: r.Description, LogUri: r.LogUri, Role: r.Role,
		ExecutionProperty: r.ExecutionProperty, Command: r.Command, DefaultArguments: r.DefaultArguments,
		NonOverridableArguments: r.NonOverridableArguments, Connections: r.Connections, MaxRetries: r.MaxRetries,
		AllocatedCapacity: r.AllocatedCapacity, Timeout: r.Timeout, MaxCapacity: r.MaxCapacity, WorkerType: r.WorkerType,
		NumberOfWorkers: r.NumberOfWorkers, SecurityConfiguration: r.SecurityConfiguration,
		NotificationProperty: r.NotificationProperty, GlueVersion: r.GlueVersion,
		CodeGenConfigurationNodes: r.CodeGenConfigurationNodes, ExecutionClass: r.ExecutionClass,
		SourceControlDetails: r.SourceControlDetails, MaintenanceWindow: r.MaintenanceWindow,
		JobRunQueuingEnabled: r.JobRunQueuingEnabled, CreatedOn: s.now(), LastModifiedOn: s.now(),
	}
	if err := completeJob(&j); err != nil {
		return nil, err
	}
	return &glue.CreateJobOutput{Name: j.Name}, s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, there, err := jobs.Get(tx, at.key(*j.Name)...); err != nil || there {
			return cmp.Or[error](err, jobExists())
		}
		if err := putTags(tx, bus.From(ctx), bus.From(ctx).ARN("glue", "job/"+*j.Name), r.Tags); err != nil {
			return err
		}
		return jobs.Put(tx, j, at.key(*j.Name)...)
	})
}

// completeJob checks a job and fills in what AWS fills in.
func completeJob(j *glue.Job) error {
	if j.Command == nil {
		return glue.InvalidInputException("Command is required.")
	}
	command := *j.Command
	j.Command = &command
	name := text(command.Name)
	if !slices.Contains([]string{pythonShell, sparkETL, sparkStream, rayCommand}, name) {
		return glue.InvalidInputException("Job command name %s is not supported.", name)
	}
	if err := checkCapacity(j.MaxCapacity, j.WorkerType, j.NumberOfWorkers, command); err != nil {
		return err
	}
	set(&j.JobMode, glue.JobModeScript)
	set(&j.MaxRetries, 0)
	set(&j.Timeout, jobTimeout)
	if j.ExecutionProperty == nil || j.ExecutionProperty.MaxConcurrentRuns == nil {
		j.ExecutionProperty = &glue.ExecutionProperty{MaxConcurrentRuns: new(int64(1))}
	}
	if name == pythonShell {
		set(&command.PythonVersion, "3")
		set(&j.GlueVersion, "1.0")
		set(&j.MaxCapacity, pythonDPU)
		set(&j.AllocatedCapacity, 0)
		return nil
	}
	if j.WorkerType == nil {
		set(&j.MaxCapacity, sparkDPU)
	}
	set(&j.GlueVersion, "0.9")
	return nil
}

// set gives *p the value where it has none.
func set[T any](p **T, value T) {
	if *p == nil {
		*p = &value
	}
}

// checkCapacity checks how much a job or a run of it asks for.
func checkCapacity(most *float64, workerType *string, workers *int64, c glue.JobCommand) error {
	switch {
	case most != nil && (workerType != nil || workers != nil):
		return glue.InvalidInputException("Please do not set Max Capacity if using Worker Type and Number of Workers.")
	case text(c.Name) != pythonShell:
		return nil
	case workerType != nil || workers != nil:
		version := c.PythonVersion
		set(&version, "3")
		return glue.InvalidInputException("Worker Type is not supported for Job Command pythonshell and Python Version %s", *version)
	case most != nil && *most != pythonDPU && *most != 1:
		return glue.InvalidInputException("Max Capacity for Job Command pythonshell must be 0.0625 or 1.")
	}
	return nil
}

// job returns a job, or missing where there is none.
func job(tx *store.Tx, at scope, name string, missing error) (glue.Job, error) {
	j, there, err := jobs.Get(tx, at.key(name)...)
	if err == nil && !there {
		err = missing
	}
	return j, err
}

func (s *Service) getJob(ctx context.Context, r *glue.GetJobInput) (*glue.GetJobOutput, error) {
	at, err := in(ctx, nil)
	if err != nil {
		return nil, err
	}
	out := &glue.GetJobOutput{}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		j, err := job(tx, at, *r.JobName, jobNotFound())
		out.Job = &j
		return err
	})
}

func (s *Service) getJobs(ctx context.Context, r *glue.GetJobsInput) (*glue.GetJobsOutput, error) {
	at, err := in(ctx, nil)
	if err != nil {
		return nil, err
	}
	out := &glue.GetJobsOutput{Jobs: []glue.Job{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		list, next, err := page(tx, jobs, r.NextToken, r.MaxResults, 1000, at.key()...)
		out.Jobs, out.NextToken = append(out.Jobs, list...), next
		return err
	})
}

func (s *Service) batchGetJobs(ctx context.Context, r *glue.BatchGetJobsInput) (*glue.BatchGetJobsOutput, error) {
	at, err := in(ctx, nil)
	if err != nil {
		return nil, err
	}
	out := &glue.BatchGetJobsOutput{Jobs: []glue.Job{}, JobsNotFound: []string{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		for _, name := range r.JobNames {
			j, there, err := jobs.Get(tx, at.key(name)...)
			if err != nil {
				return err
			}
			if there {
				out.Jobs = append(out.Jobs, j)
			} else {
				out.JobsNotFound = append(out.JobsNotFound, name)
			}
		}
		return nil
	})
}

// listJobs lists names, of those jobs that have all of the tags where some are given.
func (s *Service) listJobs(ctx context.Context, r *glue.ListJobsInput) (*glue.ListJobsOutput, error) {
	at, err := in(ctx, nil)
	if err != nil {
		return nil, err
	}
	out := &glue.ListJobsOutput{JobNames: []string{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		all, err := jobs.List(tx, at.key()...)
		if err != nil {
			return err
		}
		var failed error
		keep := func(j glue.Job) bool {
			if len(r.Tags) == 0 {
				return true
			}
			have, _, err := tags.Get(tx, bus.From(ctx).ARN("glue", "job/"+*j.Name))
			failed = cmp.Or[error](failed, err)
			for k, v := range r.Tags {
				if got, ok := have[k]; !ok || got != v {
					return false
				}
			}
			return true
		}
		list, next, err := filterPage(all, keep, r.NextToken, r.MaxResults, 1000)
		for _, j := range list {
			out.JobNames = append(out.JobNames, *j.Name)
		}
		out.NextToken = next
		return cmp.Or[error](failed, err)
	})
}

// updateJob replaces the definition as a whole, as AWS does.
func (s *Service) updateJob(ctx context.Context, r *glue.UpdateJobInput) (*glue.UpdateJobOutput, error) {
	at, err := in(ctx, nil)
	if err != nil {
		return nil, err
	}
	u := r.JobUpdate
	return &glue.UpdateJobOutput{JobName: r.JobName}, s.Store.Update(ctx, func(tx *store.Tx) error {
		old, err := job(tx, at, *r.JobName, jobNotFound())
		if err != nil {
			return err
		}
		j := glue.Job{
			Name: old.Name, JobMode: u.JobMode, Description: u.Description, LogUri: u.LogUri, Role: u.Role,
			ExecutionProperty: u.ExecutionProperty, Command: u.Command, DefaultArguments: u.DefaultArguments,
			NonOverridableArguments: u.NonOverridableArguments, Connections: u.Connections, MaxRetries: u.MaxRetries,
			AllocatedCapacity: u.AllocatedCapacity, Timeout: u.Timeout, MaxCapacity: u.MaxCapacity, WorkerType: u.WorkerType,
			NumberOfWorkers: u.NumberOfWorkers, SecurityConfiguration: u.SecurityConfiguration,
			NotificationProperty: u.NotificationProperty, GlueVersion: u.GlueVersion,
			CodeGenConfigurationNodes: u.CodeGenConfigurationNodes, ExecutionClass: u.ExecutionClass,
			SourceControlDetails: u.SourceControlDetails, MaintenanceWindow: u.MaintenanceWindow,
			JobRunQueuingEnabled: u.JobRunQueuingEnabled, CreatedOn: old.CreatedOn, LastModifiedOn: s.now(),
		}
		if j.Role == nil {
			j.Role = old.Role
		}
		if j.Command == nil {
			j.Command = old.Command
		}
		if err := completeJob(&j); err != nil {
			return err
		}
		return jobs.Put(tx, j, at.key(*j.Name)...)
	})
}

// deleteJob deletes a job and keeps its runs; a job that is not there is no error. A
// run that is under way goes on.
func (s *Service) deleteJob(ctx context.Context, r *glue.DeleteJobInput) (*glue.DeleteJobOutput, error) {
	at, err := in(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &glue.DeleteJobOutput{JobName: r.JobName}, s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := tags.Delete(tx, bus.From(ctx).ARN("glue", "job/"+*r.JobName)); err != nil {
			return err
		}
		_, err := jobs.Delete(tx, at.key(*r.JobName)...)
		return err
	})
}
