package warehouse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stepwell/internal/duck"
	"stepwell/internal/lake"
	"stepwell/internal/rsql"
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// copyJob is a row of stepwell.copy_jobs.
type copyJob struct {
	id                                     int64
	name, owner, statement, source, target string
	auto                                   bool
}

// jobTable is the DuckDB name of a table of the database's metadata.
func (s *Session) jobTable(name string) string {
	return duck.Ident(s.db.name) + "." + metaSchema + "." + name
}

func (s *Session) copyJobs(ctx context.Context) (list []copyJob, err error) {
	err = eachRow(ctx, s.conn, func(c *duck.Chunk, row int) error {
		list = append(list, copyJob{
			id: c.Column(0).Int(row), name: text(c, 1, row), owner: text(c, 2, row), auto: c.Column(3).Bool(row),
			statement: text(c, 4, row), source: text(c, 5, row), target: text(c, 6, row),
		})
		return nil
	}, "SELECT id, name, owner, auto, statement, source, target FROM "+s.jobTable("copy_jobs")+" ORDER BY id")
	return list, err
}

func (s *Session) findCopyJob(ctx context.Context, name string) (*copyJob, error) {
	list, err := s.copyJobs(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(list, func(j copyJob) bool { return j.name == name }); i >= 0 {
		return &list[i], nil
	}
	return nil, sqlerr.New(sqlerr.UndefinedObject, "copy job %s does not exist", name)
}

// createCopyJob executes COPY ... JOB CREATE. Objects that are there already
// are not the job's to load.
func (r *running) createCopyJob(t *syntax.Copy, option syntax.Option) (Done, error) {
	s := r.session
	done := Done{Tag: "COPY JOB CREATE", Rows: -1}
	if _, err := s.findCopyJob(r.ctx, option.Value); err == nil {
		return done, sqlerr.New(sqlerr.DuplicateObject, "copy job %s already exists", option.Value)
	}
	l := r.newLoad(t)
	for _, step := range []func() error{func() error { return l.options(t.Options) }, l.resolve, l.readPaths} {
		if err := step(); err != nil {
			return done, err
		}
	}
	if l.flags["MANIFEST"] || l.flags["NOLOAD"] {
		return done, sqlerr.New(sqlerr.FeatureNotSupported, "COPY JOB does not support MANIFEST and NOLOAD")
	}
	keys, err := r.jobKeys(t)
	if err != nil {
		return done, err
	}
	id, auto := s.db.oid(), option.Second != "OFF"
	s.wrote = true
	_, err = s.conn.Exec(r.ctx, "INSERT INTO "+s.jobTable("copy_jobs")+" VALUES ($1, $2, $3, $4, $5, $6, $7, now()::TIMESTAMP)",
		id, option.Value, s.identity.User, auto, r.statement.Text, t.From, l.target.Name)
	if err != nil {
		return done, err
	}
	if err := r.noteKeys(id, keys); err != nil {
		return done, err
	}
	return done, s.cluster.markJobs(s.db.name)
}

// jobKeys lists the objects under the source.
func (r *running) jobKeys(t *syntax.Copy) ([]string, error) {
	objects := r.session.cluster.w.options.Objects
	bucket, prefix, err := lake.SplitURI(t.From)
	if err != nil || objects == nil {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "COPY JOB needs a source in Amazon S3")
	}
	list, err := objects.List(r.ctx, bucket, prefix)
	if err != nil {
		return nil, objectError(err)
	}
	var keys []string
	for _, o := range list {
		if !strings.HasSuffix(o.Key, "/") {
			keys = append(keys, o.Key)
		}
	}
	return keys, nil
}

func (r *running) noteKeys(job int64, keys []string) error {
	for part := range slices.Chunk(keys, 500) {
		values := &emit.Values{}
		for _, key := range part {
			values.Rows = append(values.Rows, []emit.Expr{num(job), str(key)})
		}
		sql := "INSERT INTO " + r.session.jobTable("copy_job_files") + " " + emit.SQL(&emit.Query{Body: values})
		if _, err := r.session.conn.Exec(r.ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// copyJob executes COPY JOB LIST, SHOW, DROP, ALTER and RUN.
func (r *running) copyJob(t *syntax.CopyJob) (Done, error) {
	s := r.session
	done := Done{Tag: "COPY JOB " + strings.ToUpper(t.Action), Rows: -1}
	if t.Action == "list" {
		list, err := s.copyJobs(r.ctx)
		return r.showJobs(list, err)
	}
	job, err := s.findCopyJob(r.ctx, t.Name.Name)
	if err != nil {
		return done, err
	}
	switch t.Action {
	case "show":
		return r.showJobs([]copyJob{*job}, nil)
	case "drop":
		if _, err := s.conn.Exec(r.ctx, "DELETE FROM "+s.jobTable("copy_job_files")+" WHERE job = $1", job.id); err != nil {
			return done, err
		}
		_, err = s.conn.Exec(r.ctx, "DELETE FROM "+s.jobTable("copy_jobs")+" WHERE id = $1", job.id)
	case "alter":
		if t.Auto == "ON" {
			err = s.cluster.markJobs(s.db.name)
		}
		if err == nil {
			_, err = s.conn.Exec(r.ctx, "UPDATE "+s.jobTable("copy_jobs")+" SET auto = $1 WHERE id = $2", t.Auto == "ON", job.id)
		}
	case "run":
		return r.runCopyJob(job)
	}
	return done, err
}

func (r *running) showJobs(list []copyJob, err error) (Done, error) {
	if err != nil {
		return Done{}, err
	}
	var columns []Column
	for _, name := range []string{"job_name", "job_owner", "is_auto", "data_source", "destination_table", "copy_query"} {
		columns = append(columns, Column{Name: name, Type: varchar(4000)})
	}
	var rows [][]string
	for _, j := range list {
		auto := "0"
		if j.auto {
			auto = "1"
		}
		rows = append(rows, []string{j.name, j.owner, auto, j.source, j.target, j.statement})
	}
	return Done{Tag: "SHOW", Rows: int64(len(rows)), HasRows: true}, r.session.rowsOf(r.sink, columns, rows)
}

// runCopyJob loads the objects the job has not loaded, and notes them in the
// same transaction.
func (r *running) runCopyJob(job *copyJob) (Done, error) {
	s := r.session
	done := Done{Tag: "COPY"}
	statements, err := rsql.Parse(job.statement)
	if err != nil || len(statements) != 1 {
		return done, errors.Join(fmt.Errorf("cannot read the statement of copy job %s", job.name), err)
	}
	t, ok := statements[0].Tree.(*syntax.Copy)
	if !ok {
		return done, fmt.Errorf("cannot run copy job %s: its statement is no COPY", job.name)
	}
	keys, err := r.newKeys(job, t)
	if err != nil || len(keys) == 0 {
		return done, err
	}
	l := r.newLoad(t)
	l.job, l.only = job.id, map[string]bool{}
	for _, key := range keys {
		l.only[key] = true
	}
	if done.Rows, err = l.execute(); err != nil {
		return done, err
	}
	s.wrote = true
	s.lastCopy, s.lastCopyID = done.Rows, r.id
	return done, r.noteKeys(job.id, keys)
}

func (r *running) newKeys(job *copyJob, t *syntax.Copy) ([]string, error) {
	keys, err := r.jobKeys(t)
	if err != nil {
		return nil, err
	}
	old := map[string]bool{}
	err = eachRow(r.ctx, r.session.conn, func(c *duck.Chunk, row int) error {
		old[text(c, 0, row)] = true
		return nil
	}, "SELECT key FROM "+r.session.jobTable("copy_job_files")+" WHERE job = $1", job.id)
	return slices.DeleteFunc(keys, func(key string) bool { return old[key] }), err
}

func copyJobRows(ctx context.Context, s *Session) (rows [][]emit.Expr, err error) {
	list, err := s.copyJobs(ctx)
	for _, j := range list {
		auto := num(0)
		if j.auto {
			auto = num(1)
		}
		rows = append(rows, []emit.Expr{num(j.id), str(j.name), str(j.owner), auto, str(j.source), str(j.target), str(j.statement)})
	}
	return rows, err
}

// jobFolder holds a file for every database that has had an automatic COPY
// JOB, so that a server that starts knows which to open.
const jobFolder = "copy-jobs"

func (c *cluster) markJobs(database string) error {
	dir := filepath.Join(c.dir, jobFolder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, database), nil, 0o644)
}

// jobInterval is how often the sources of automatic jobs are looked at. It
// passes in real time, whatever the clock: objects arrive in real time, and a
// clock that skips waits would otherwise do nothing but look.
const jobInterval = 2 * time.Second

// RunCopyJobs runs automatic COPY JOBs whenever their sources have new objects,
// until ctx ends. It is called once, after the object store has started.
func (w *Warehouse) RunCopyJobs(ctx context.Context) {
	tick := time.NewTicker(jobInterval)
	defer tick.Stop()
	failed := map[string]string{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.pollCopyJobs(ctx, failed)
		}
	}
}

// pollCopyJobs runs every automatic job once. What failed is not tried again
// before its text or its error changes: failed keeps the last error of a job.
func (w *Warehouse) pollCopyJobs(ctx context.Context, failed map[string]string) {
	marks, err := filepath.Glob(filepath.Join(w.options.Dir, "*", "*", "*", jobFolder, "*"))
	if err != nil {
		return // the pattern is a constant
	}
	for _, path := range marks {
		parts := strings.Split(filepath.ToSlash(path), "/")
		n := len(parts)
		id := Identity{Account: parts[n-5], Region: parts[n-4], Cluster: parts[n-3], Database: parts[n-1]}
		if err := w.runDatabaseJobs(ctx, id, failed); err != nil && ctx.Err() == nil {
			w.log.Error("cannot look for the work of COPY jobs", "database", id.Database, "error", err)
		}
	}
}

func (w *Warehouse) runDatabaseJobs(ctx context.Context, id Identity, failed map[string]string) error {
	s, err := w.Session(ctx, id, nil)
	if err != nil {
		return err
	}
	defer s.Close()
	sink := &Texts{}
	if err := s.Execute(ctx, "SELECT job_name, job_owner, data_source FROM sys_copy_job WHERE is_auto = 1", sink); err != nil {
		return err
	}
	for _, row := range sink.Results[0].Rows {
		id.User = *row[1]
		key := fmt.Sprint(id, *row[0])
		news, err := w.sourceState(ctx, *row[2])
		if err != nil || failed[key] == news {
			continue // nothing new since the last failure
		}
		delete(failed, key)
		if err := w.runJob(ctx, id, *row[0]); err != nil && ctx.Err() == nil {
			failed[key] = news
			w.log.Warn("a COPY job failed; it waits for another object", "job", *row[0], "error", err)
		}
	}
	return nil
}

// sourceState changes whenever an object comes, goes or grows.
func (w *Warehouse) sourceState(ctx context.Context, source string) (string, error) {
	bucket, prefix, err := lake.SplitURI(source)
	if err != nil {
		return "", err
	}
	list, err := w.options.Objects.List(ctx, bucket, prefix)
	return fmt.Sprint(list), err
}

func (w *Warehouse) runJob(ctx context.Context, id Identity, name string) error {
	s, err := w.Session(ctx, id, nil)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Execute(ctx, "COPY JOB RUN "+duck.Ident(name), Discard{})
}
