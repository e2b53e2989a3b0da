package glue

import (
	"stepwell/internal/awsapi/glue"
	"stepwell/internal/awserr"
)

func badToken() error { return glue.InvalidInputException("Invalid token provided.") }

func catalogNotFound(id string) error {
	return glue.EntityNotFoundException("Catalog %s not found.", id)
}

func databaseNotFound(name string) error {
	return glue.EntityNotFoundException("Database %s not found.", name)
}

func databaseExists() error { return glue.AlreadyExistsException("Database already exists.") }

// tableNotFound is what reading a table answers; changing one names it.
func tableNotFound() *awserr.Error { return glue.EntityNotFoundException("Entity Not Found") }

func namedTableNotFound(name string) *awserr.Error {
	return glue.EntityNotFoundException("Table %s not found.", name)
}

func tableExists() error { return glue.AlreadyExistsException("Table already exists.") }

func versionNotFound() *awserr.Error { return glue.EntityNotFoundException("Table version not found.") }

func partitionNotFound() *awserr.Error {
	return glue.EntityNotFoundException("Cannot find partition.")
}

func partitionExists() *awserr.Error { return glue.AlreadyExistsException("Partition already exists.") }

func partitionValues() *awserr.Error {
	return glue.InvalidInputException("The number of partition keys do not match the number of partition values")
}

func badExpression(format string, args ...any) error {
	return glue.InvalidInputException("Unsupported expression: "+format, args...)
}

func connectionNotFound(name string) *awserr.Error {
	return glue.EntityNotFoundException("Connection %s not found.", name)
}

func connectionExists() error { return glue.AlreadyExistsException("Connection already exists.") }

func jobNotFound() error { return glue.EntityNotFoundException("Job not found.") }

func jobExists() error { return glue.AlreadyExistsException("Job already exists.") }

func jobToStartNotFound() error {
	return glue.EntityNotFoundException("Failed to start job run due to missing metadata.")
}

func runNotFound(id string) *awserr.Error {
	return glue.EntityNotFoundException("Job run %s not found.", id)
}

func tooManyRuns(job string) error {
	return glue.ConcurrentRunsExceededException("Concurrent runs exceeded for %s", job)
}

func notStoppable() *awserr.Error {
	return awserr.New(400, "JobRunCannotBeStoppedException", "Job Run cannot be stopped in current state.")
}

// detail is an error as batch operations list it.
func detail(err error) (*glue.ErrorDetail, bool) {
	e := awserr.From(err)
	if e == nil {
		return nil, false
	}
	return &glue.ErrorDetail{ErrorCode: new(e.Code), ErrorMessage: new(e.Message)}, true
}
