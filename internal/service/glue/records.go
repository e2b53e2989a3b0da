package glue

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

// The records are the shapes that AWS returns. Keys begin with the catalog (an
// account number) and the region.
var (
	databases   = store.NewTable[glue.Database]("glue_databases")      // ..., name
	tables      = store.NewTable[glue.Table]("glue_tables")            // ..., database, name
	versions    = store.NewTable[glue.Table]("glue_table_versions")    // ..., database, name, number as versionKey
	partitions  = store.NewTable[partitionRecord]("glue_partitions")   // ..., database, table, value...
	connections = store.NewTable[connectionRecord]("glue_connections") // ..., name
	jobs        = store.NewTable[glue.Job]("glue_jobs")                // ..., name
	runs        = store.NewTable[runRecord]("glue_job_runs")           // ..., job, run id
	runOrder    = store.NewTable[string]("glue_job_runs_by_start")     // ..., job, latestFirst, run id: the run id
	activeRuns  = store.NewTable[string]("glue_job_runs_active")       // ..., job, run id: the run id
	tags        = store.NewTable[map[string]string]("glue_tags")       // ARN
)

// connectionRecord is a connection; its password is kept beside it so that it
// is shown only when asked for.
type connectionRecord struct {
	Connection glue.Connection
	Password   []byte `json:",omitzero"` // sealed
}

// partitionRecord is a partition. Its values stand apart, so that looking
// through many partitions does not read all of each.
type partitionRecord struct {
	Values    []string
	Partition json.RawMessage // glue.Partition
}

func (r partitionRecord) read() (p glue.Partition, err error) {
	if err := json.Unmarshal(r.Partition, &p); err != nil {
		return p, fmt.Errorf("cannot read partition: %w", err)
	}
	return p, nil
}

func putPartition(tx *store.Tx, p glue.Partition, key []string) error {
	all, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("cannot keep partition: %w", err)
	}
	return partitions.Put(tx, partitionRecord{p.Values, all}, key...)
}

// getPartition reads a partition; there is false where there is none.
func getPartition(tx *store.Tx, key []string) (p glue.Partition, there bool, err error) {
	r, there, err := partitions.Get(tx, key...)
	if err != nil || !there {
		return p, false, err
	}
	p, err = r.read()
	return p, err == nil, err
}

// runRecord is a job run and what is needed to run it.
type runRecord struct {
	Run       glue.JobRun
	Command   glue.JobCommand
	Arguments map[string]string // the job's defaults, the run's, the job's fixed ones
	Retries   int64             // attempts left when this one fails
	Caller    bus.Caller
	Since     *time.Time `json:",omitzero"` // when it became RUNNING
}

// scope is the account and region that hold what a call is about.
type scope struct{ account, region string }

// in returns the scope of a call that may name a catalog. The id of the caller's
// own catalog is the account's number.
func in(ctx context.Context, catalog *string) (scope, error) {
	c := bus.From(ctx)
	if catalog == nil || *catalog == c.Account {
		return scope{c.Account, c.Region}, nil
	}
	if !bus.IsAccount(*catalog) {
		return scope{}, catalogNotFound(*catalog)
	}
	return scope{*catalog, c.Region}, nil
}

func (s scope) key(parts ...string) []string {
	return append([]string{s.account, s.region}, parts...)
}

// refuseTransactions refuses what belongs to the transactions of governed tables.
func refuseTransactions(transaction *string, asOf *time.Time) error {
	if transaction != nil || asOf != nil {
		return awserr.NotImplemented("glue: TransactionId and QueryAsOfTime (governed tables)")
	}
	return nil
}

// fold is how the catalog keeps names: "All letters are folded to lower case
// when stored" (Glue API reference, CreateDatabase).
func fold(name string) string { return strings.ToLower(name) }

// versionKey sorts version numbers as numbers.
func versionKey(version string) string { return fmt.Sprintf("%020s", version) }

// latestFirst is a key part under which later times come first.
func latestFirst(t time.Time) string { return fmt.Sprintf("%019d", int64(1)<<62-t.UnixNano()) }

// page reads one page of a table; token and next are opaque to callers.
func page[T any](tx *store.Tx, t store.Table[T], token *string, limit *int64, most int, prefix ...string) ([]T, *string, error) {
	after, err := after(token)
	if err != nil {
		return nil, nil, err
	}
	list, last, err := t.Page(tx, after, pageSize(limit, most), prefix...)
	return list, paging.Token(last), err
}

func pageSize(limit *int64, most int) int { return min(paging.Size(limit, most), most) }

func after(token *string) (string, error) {
	position, err := paging.Position(token)
	if err != nil {
		return "", badToken()
	}
	return position, nil
}

// text returns what s points to, "" for nil.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
