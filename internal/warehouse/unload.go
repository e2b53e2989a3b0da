package warehouse

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/lake"
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// export is one UNLOAD under way.
type export struct {
	run            *running
	stmt           *syntax.Unload
	bucket, prefix string

	format      string // PARQUET, CSV or TEXT
	delimiter   string
	null        string
	compression string
	header      bool
	addQuotes   bool
	escape      bool
	parallel    bool
	overwrite   bool
	cleanPath   bool
	manifest    string // "", PLAIN or VERBOSE
	extension   string
	maxBytes    int64
	partitions  []string
	include     bool
}

// written is one finished file: where it lies and what it will be called.
type written struct {
	file string
	key  string
	size int64
}

func (r *running) unload(t *syntax.Unload) (Done, error) {
	x := &export{run: r, stmt: t, format: "TEXT", delimiter: "|", parallel: true}
	if err := x.options(t.Options); err != nil {
		return Done{}, err
	}
	var err error
	if x.bucket, x.prefix, err = lake.SplitURI(t.To); err != nil {
		return Done{}, sqlerr.New(sqlerr.InvalidParameterValue, "invalid S3 path '%s'", t.To)
	}
	objects := r.session.cluster.w.options.Objects
	if objects == nil {
		return Done{}, sqlerr.New(sqlerr.FeatureNotSupported, "UNLOAD needs an object store, and none is configured")
	}
	if err := x.checkTarget(objects); err != nil {
		return Done{}, err
	}
	dir, err := objects.TempDir(r.ctx, x.bucket)
	if err != nil {
		return Done{}, objectError(err)
	}
	if dir, err = os.MkdirTemp(dir, "unload-"); err != nil {
		return Done{}, err
	}
	defer os.RemoveAll(dir)
	rows, files, err := x.write(dir)
	if err != nil {
		return Done{}, err
	}
	if err := x.publish(objects, dir, files); err != nil {
		return Done{}, err
	}
	r.session.lastUnload = rows
	r.sink.Notice(&sqlerr.Error{Severity: "INFO", Code: "00000", Message: fmt.Sprintf("UNLOAD completed, %d record(s) unloaded successfully.", rows)})
	return Done{Tag: "UNLOAD", Rows: rows}, nil
}

func (x *export) options(list []syntax.Option) error {
	refuse := func(what string) error { return sqlerr.NotImplemented("UNLOAD option " + what) }
	delimiter := ""
	for _, o := range list {
		switch o.Name {
		case "IAM_ROLE", "CREDENTIALS", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "REGION", "ROWGROUPSIZE":
		case "FORMAT":
			if !slices.Contains([]string{"PARQUET", "CSV", "TEXT"}, o.Value) {
				return refuse("FORMAT " + o.Value)
			}
			x.format = o.Value
		case "DELIMITER":
			delimiter = unescape(o.Value)
		case "NULL":
			x.null = o.Value
		case "HEADER":
			x.header = true
		case "ADDQUOTES":
			x.addQuotes = true
		case "ESCAPE":
			x.escape = true
		case "GZIP", "ZSTD":
			x.compression = strings.ToLower(o.Name)
		case "ALLOWOVERWRITE":
			x.overwrite = true
		case "CLEANPATH":
			x.cleanPath = true
		case "PARALLEL":
			x.parallel = o.Value != "OFF" && o.Value != "FALSE"
		case "MANIFEST":
			x.manifest = "PLAIN"
			if o.Value == "VERBOSE" {
				x.manifest = "VERBOSE"
			}
		case "EXTENSION":
			x.extension = "." + strings.TrimPrefix(o.Value, ".")
		case "MAXFILESIZE":
			size, err := strconv.ParseFloat(o.Value, 64)
			if err != nil {
				return sqlerr.New(sqlerr.InvalidParameterValue, "invalid MAXFILESIZE %s", o.Value)
			}
			x.maxBytes = int64(size * float64(map[string]int64{"GB": 1 << 30, "KB": 1 << 10}[o.Second]))
			if o.Second == "MB" || o.Second == "" {
				x.maxBytes = int64(size * (1 << 20))
			}
		case "PARTITION BY":
			x.partitions, x.include = o.List, o.Value == "INCLUDE"
		default:
			return refuse(o.Name)
		}
	}
	if x.format == "CSV" {
		x.delimiter = ","
	}
	if delimiter != "" {
		x.delimiter = delimiter
	}
	switch {
	case x.overwrite && x.cleanPath:
		return sqlerr.New(sqlerr.SyntaxError, "ALLOWOVERWRITE and CLEANPATH options cannot be specified together")
	case x.format == "PARQUET" && (x.header || x.addQuotes || x.escape || delimiter != "" || x.compression == "gzip"):
		return sqlerr.New(sqlerr.FeatureNotSupported, "UNLOAD to PARQUET does not support HEADER, ADDQUOTES, ESCAPE, DELIMITER and GZIP options")
	}
	return nil
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

// write runs the query into files under dir.
func (x *export) write(dir string) (int64, []written, error) {
	query, columns, err := x.query()
	if err != nil {
		return 0, nil, err
	}
	out := filepath.Join(dir, "out")
	// A query with an order keeps it only in one file after the other.
	single := !x.parallel || len(x.stmt.Query.OrderBy) > 0
	if len(x.partitions) == 0 && single && x.maxBytes == 0 {
		out += ".single"
	}
	sql := "COPY (" + query + ") TO " + duck.Literal(out) + " (" + strings.Join(x.copyOptions(columns, single), ", ") + ")"
	rows, err := x.run.session.conn.Exec(x.run.ctx, sql)
	if err != nil {
		return 0, nil, err
	}
	files, err := x.collect(dir)
	if err == nil && len(files) == 0 && len(x.partitions) == 0 {
		// A query without rows still gives one (empty) file.
		empty := filepath.Join(dir, "out.empty")
		if err = os.WriteFile(empty, nil, 0o644); err == nil {
			files = []written{{file: empty, key: x.key(0)}}
		}
	}
	return rows, files, err
}

// query is the text of the SELECT with its values as Redshift prints them in
// text files, and the names of its columns.
func (x *export) query() (string, []string, error) {
	plan, err := x.run.compile(x.stmt.Query)
	if err != nil {
		return "", nil, err
	}
	sql := plan.SQL[len(plan.SQL)-1]
	stmt, err := x.run.session.conn.Prepare(sql)
	if err != nil {
		return "", nil, err
	}
	defer stmt.Close()
	var names []string
	var items []emit.Item
	plain := true
	for i, c := range stmt.Columns() {
		name := c.Name
		if i < len(plan.Columns) {
			name = plan.Columns[i]
		}
		names = append(names, name)
		item := emit.Item{X: &emit.Ref{Parts: []string{fileColumn(i)}}, As: name}
		if x.format != "PARQUET" && !slices.Contains(x.partitions, name) {
			if text := x.textual(item.X, c.Type); text != nil {
				item.X, plain = text, false
			}
		}
		items = append(items, item)
	}
	if plain && slices.Equal(names, columnNames(stmt.Columns())) {
		return sql, names, nil
	}
	head := emit.SQL(&emit.Query{Body: &emit.Select{Items: items}})
	var aliases []string
	for i := range names {
		aliases = append(aliases, fileColumn(i))
	}
	return head + " FROM (" + sql + ") AS q(" + strings.Join(aliases, ", ") + ")", names, nil
}

func columnNames(list []duck.Column) []string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = c.Name
	}
	return out
}

// textual is the expression for values that DuckDB's CSV writer prints
// differently from Redshift; nil when it prints them alike.
func (x *export) textual(ref emit.Expr, t duck.Type) emit.Expr {
	call := func(name string, args ...emit.Expr) emit.Expr { return &emit.Call{Name: name, Args: args} }
	switch t.Kind {
	case duck.Bool:
		return &emit.Case{Whens: []emit.When{
			{Cond: ref, Result: &emit.Str{Value: "t"}},
			{Cond: &emit.Prefix{Op: "NOT", X: ref}, Result: &emit.Str{Value: "f"}},
		}}
	case duck.Double:
		return call("printf", &emit.Str{Value: "%.15g"}, ref)
	case duck.Float:
		return call("printf", &emit.Str{Value: "%.6g"}, &emit.Cast{X: ref, Type: "DOUBLE"})
	case duck.Varchar:
		if x.escape && x.format == "TEXT" {
			out := call("replace", ref, &emit.Str{Value: `\`}, &emit.Str{Value: `\\`})
			for _, c := range []string{"\n", "\r", x.delimiter, `"`, `'`} {
				out = call("replace", out, &emit.Str{Value: c}, &emit.Str{Value: `\` + c})
			}
			return out
		}
	}
	return nil
}

func (x *export) copyOptions(columns []string, single bool) []string {
	var out []string
	switch x.format {
	case "PARQUET":
		out = append(out, "FORMAT parquet", "COMPRESSION snappy")
		if x.compression == "zstd" {
			out[1] = "COMPRESSION zstd"
		}
	default:
		out = append(out, "FORMAT csv", "DELIMITER "+duck.Literal(x.delimiter), "NULLSTR "+duck.Literal(x.null), fmt.Sprintf("HEADER %t", x.header))
		if x.compression != "" {
			out = append(out, "COMPRESSION "+x.compression)
		}
		switch {
		case x.format == "CSV":
			out = append(out, `QUOTE '"'`, `ESCAPE '"'`)
		case x.addQuotes:
			out = append(out, `QUOTE '"'`, `ESCAPE '\'`, "FORCE_QUOTE *")
		default:
			out = append(out, "QUOTE ''", "ESCAPE ''")
		}
	}
	switch {
	case len(x.partitions) > 0:
		names := make([]string, len(x.partitions))
		for i, p := range x.partitions {
			names[i] = duck.Ident(p)
		}
		out = append(out, "PARTITION_BY ("+strings.Join(names, ", ")+")", fmt.Sprintf("WRITE_PARTITION_COLUMNS %t", x.include))
	case x.maxBytes > 0:
		out = append(out, fmt.Sprintf("FILE_SIZE_BYTES %d", x.maxBytes))
	case !single:
		out = append(out, "PER_THREAD_OUTPUT true")
	}
	return out
}

// collect names the files DuckDB wrote as Redshift names them.
func (x *export) collect(dir string) ([]written, error) {
	var files []written
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			files = append(files, written{file: path, size: info.Size()})
		}
		return err
	})
	sort.Slice(files, func(i, j int) bool { return natural(files[i].file) < natural(files[j].file) })
	perFolder := map[string]int{}
	for i := range files {
		if len(x.partitions) == 0 {
			files[i].key = x.key(i)
			continue
		}
		rel, _ := filepath.Rel(filepath.Join(dir, "out"), filepath.Dir(files[i].file))
		folder := strings.TrimSuffix(x.prefix, "/") + "/" + filepath.ToSlash(rel) + "/"
		n := perFolder[folder]
		perFolder[folder]++
		files[i].key = folder + fmt.Sprintf("%04d_part_00", n) + x.suffix()
	}
	return files, err
}

// natural makes data_10 sort after data_9.
func natural(path string) string {
	base := filepath.Base(path)
	if from := strings.LastIndexByte(base, '_'); from >= 0 {
		digits := strings.TrimSuffix(base[from+1:], filepath.Ext(base))
		if n, err := strconv.Atoi(digits); err == nil {
			return filepath.Join(filepath.Dir(path), fmt.Sprintf("%s_%09d", base[:from], n))
		}
	}
	return path
}

// key is the name of file number n ("UNLOAD": object names).
func (x *export) key(n int) string {
	if x.parallel {
		return x.prefix + fmt.Sprintf("%04d_part_00", n) + x.suffix()
	}
	return x.prefix + fmt.Sprintf("%03d", n) + x.suffix()
}

func (x *export) suffix() string {
	switch {
	case x.extension != "":
		return x.extension
	case x.format == "PARQUET":
		return ".parquet"
	case x.compression == "gzip":
		return ".gz"
	case x.compression == "zstd":
		return ".zst"
	}
	return ""
}

// publish makes all files objects, or none: what was published before a fault
// is taken back.
func (x *export) publish(objects lake.Objects, dir string, files []written) (err error) {
	ctx := x.run.ctx
	if x.manifest != "" {
		m, err := x.writeManifest(dir, files)
		if err != nil {
			return err
		}
		files = append(files, m)
	}
	if x.cleanPath {
		old, err := objects.List(ctx, x.bucket, x.prefix)
		if err != nil {
			return objectError(err)
		}
		for _, o := range old {
			if err := objects.Delete(ctx, x.bucket, o.Key); err != nil {
				return objectError(err)
			}
		}
	}
	for i, f := range files {
		if err := objects.Publish(ctx, x.bucket, f.key, f.file); err != nil {
			for _, done := range files[:i] {
				if e := objects.Delete(ctx, x.bucket, done.key); e != nil {
					x.run.session.cluster.w.log.Error("cannot take back an unloaded file", "bucket", x.bucket, "key", done.key, "error", e)
				}
			}
			return objectError(err)
		}
	}
	return nil
}

func (x *export) writeManifest(dir string, files []written) (written, error) {
	type meta struct {
		Length int64 `json:"content_length"`
	}
	type entry struct {
		URL  string `json:"url"`
		Meta *meta  `json:"meta,omitempty"`
	}
	var list struct {
		Entries []entry `json:"entries"`
	}
	for _, f := range files {
		e := entry{URL: "s3://" + x.bucket + "/" + f.key}
		if x.manifest == "VERBOSE" || x.format == "PARQUET" {
			e.Meta = &meta{f.size}
		}
		list.Entries = append(list.Entries, e)
	}
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return written{}, err
	}
	file := filepath.Join(dir, "manifest")
	return written{file: file, key: x.prefix + "manifest", size: int64(len(text))}, os.WriteFile(file, text, 0o644)
}
