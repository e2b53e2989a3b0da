package warehouse

import (
	"fmt"
	"os"
	"strings"
	"time"

	"stepwell/internal/lake"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// export is one UNLOAD under way.
type export struct {
	run            *running
	stmt           *syntax.Unload
	bucket, prefix string
	began          time.Time

	format      string // PARQUET, CSV, JSON, FIXEDWIDTH or TEXT
	delimiter   string
	null        string
	compression string // gzip, zstd or empty
	widths      []int  // of FIXEDWIDTH
	header      bool
	addQuotes   bool
	escape      bool
	parallel    bool
	overwrite   bool
	cleanPath   bool
	manifest    string // "", PLAIN or VERBOSE
	extension   string
	maxBytes    int64
	groupBytes  int64
	partitions  []string
	include     bool

	columns []Column // of the result
	stamp   string   // makes the names of an external table's files unique
}

// written is one finished file: where it lies and what it will be called.
type written struct {
	file string
	key  string
	size int64
	rows int64 // -1: unknown
}

func (r *running) unload(t *syntax.Unload) (Done, error) {
	x := &export{run: r, stmt: t, format: "TEXT", parallel: true, began: r.session.cluster.w.clock.Now()}
	if err := x.options(t.Options); err != nil {
		return Done{}, err
	}
	if t.Query.Limit != nil || len(t.Query.OrderBy) == 0 && topOf(t.Query) {
		return Done{}, sqlerr.New(sqlerr.FeatureNotSupported, "Limit clause is not supported")
	}
	var err error
	if x.bucket, x.prefix, err = lake.SplitURI(t.To); err != nil {
		return Done{}, sqlerr.New(sqlerr.InvalidParameterValue, "invalid S3 path '%s'", t.To)
	}
	objects := r.session.cluster.w.options.Objects
	if objects == nil {
		return Done{}, sqlerr.New(sqlerr.FeatureNotSupported, "UNLOAD needs an object store, and none is configured")
	}
	rows, files, err := x.execute(objects)
	x.record(rows, files, err)
	if err != nil {
		return Done{}, err
	}
	r.session.lastUnload = rows
	r.sink.Notice(&sqlerr.Error{Severity: "INFO", Code: "00000", Message: fmt.Sprintf("UNLOAD completed, %d record(s) unloaded successfully.", rows)})
	return Done{Tag: "UNLOAD", Rows: rows}, nil
}

// execute writes the files beside the bucket and publishes them.
func (x *export) execute(objects lake.Objects) (int64, []written, error) {
	if err := x.checkTarget(objects); err != nil {
		return 0, nil, err
	}
	dir, err := x.tempDir(objects)
	if err != nil {
		return 0, nil, err
	}
	defer removeAll(dir)
	rows, files, err := x.write(dir)
	if err != nil {
		return 0, nil, err
	}
	return rows, files, x.publish(objects, dir, rows, files)
}

// tempDir makes a folder for files on the bucket's file system.
func (x *export) tempDir(objects lake.Objects) (string, error) {
	dir, err := objects.TempDir(x.run.ctx, x.bucket)
	if err != nil {
		return "", objectError(err)
	}
	return os.MkdirTemp(dir, "unload-")
}

// removeAll removes a folder of temporary files; what stays is only garbage.
func removeAll(dir string) { _ = os.RemoveAll(dir) }

// record keeps what an UNLOAD did for the system tables.
func (x *export) record(rows int64, files []written, failure error) {
	s := x.run.session
	t := transferred{
		Unload: true, Query: x.run.id, Session: s.pid, Database: s.identity.Database, Place: x.stmt.To,
		Format: strings.ToLower(x.format), Compression: x.compression, Begin: x.began, End: s.cluster.w.clock.Now(), Rows: rows,
	}
	if failure != nil {
		t.Problem, files = failure.Error(), nil
	}
	for _, f := range files {
		file := transferredFile{URI: "s3://" + x.bucket + "/" + f.key, Size: f.size, Lines: f.rows, Text: x.format != "PARQUET" && x.compression == ""}
		if x.header {
			file.Headers = 1
		}
		t.Files = append(t.Files, file)
	}
	s.cluster.log.addTransfer(t)
}

// checkTarget refuses a target with objects, unless they may go.
func (x *export) checkTarget(objects lake.Objects) error {
	if x.overwrite {
		return nil
	}
	list, err := objects.List(x.run.ctx, x.bucket, x.prefix)
	if err != nil {
		return objectError(err)
	}
	if len(list) > 0 && !x.cleanPath {
		return sqlerr.New(sqlerr.InternalError, "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, manually removing the target files in S3, or using the ALLOWOVERWRITE option.")
	}
	return nil
}
