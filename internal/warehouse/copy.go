package warehouse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/lake"
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// load is one COPY under way: its target, its files and its options.
type load struct {
	run     *running
	stmt    *syntax.Copy
	target  *resolve.Relation
	columns []resolve.Column // those the files fill, in file order
	files   []lake.File

	format      string // PARQUET, CSV or TEXT
	delimiter   string
	quote       string
	null        string
	skip        int
	compression string // gzip, zstd, none
	dateFormat  string
	timeFormat  string
	maxErrors   int
	flags       map[string]bool // the options without a value
}

// ignoredLoadOptions say how the cluster works, not what is loaded.
var ignoredLoadOptions = []string{
	"IAM_ROLE", "CREDENTIALS", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "REGION",
	"COMPUPDATE", "COMPROWS", "STATUPDATE",
}

// loadFlags are the options without a value that COPY takes.
var loadFlags = []string{
	"BLANKSASNULL", "EMPTYASNULL", "TRIMBLANKS", "TRUNCATECOLUMNS", "FILLRECORD", "IGNOREBLANKLINES", "EXPLICIT_IDS",
	"REMOVEQUOTES", "ESCAPE", "ACCEPTANYDATE", "NOLOAD", "MANIFEST",
}

func (r *running) copyFrom(t *syntax.Copy) (Done, error) {
	l := &load{run: r, stmt: t, format: "TEXT", delimiter: "|", null: `\N`, compression: "none", flags: map[string]bool{}}
	if err := l.options(t.Options); err != nil {
		return Done{}, err
	}
	if err := l.resolve(); err != nil {
		return Done{}, err
	}
	if err := l.findFiles(r.ctx); err != nil {
		return Done{}, err
	}
	n, err := l.insert()
	if err != nil {
		return Done{}, err
	}
	s := r.session
	s.lastCopy, s.lastCopyID = n, r.id
	text := fmt.Sprintf("Load into table '%s' completed, %d record(s) loaded successfully.", l.target.Name, n)
	if l.flags["NOLOAD"] {
		text = fmt.Sprintf("Load into table '%s' completed, %d record(s) could be loaded.  Use NOLOAD option to validate only.", l.target.Name, n)
	}
	r.sink.Notice(&sqlerr.Error{Severity: "INFO", Code: "00000", Message: text})
	return Done{Tag: "COPY", Rows: n}, nil
}

func (l *load) options(list []syntax.Option) error {
	refuse := func(what string) error { return sqlerr.NotImplemented("COPY option " + what) }
	quoted := false
	for _, o := range list {
		switch {
		case slices.Contains(ignoredLoadOptions, o.Name):
		case slices.Contains(loadFlags, o.Name):
			l.flags[o.Name] = true
		case o.Name == "FORMAT":
			if !slices.Contains([]string{"PARQUET", "CSV", "TEXT"}, o.Value) {
				return refuse("FORMAT " + o.Value)
			}
			l.format = o.Value
			if o.Value == "CSV" {
				if l.delimiter == "|" {
					l.delimiter = ","
				}
				if !quoted {
					l.quote = `"`
				}
			}
		case o.Name == "DELIMITER":
			l.delimiter = unescape(o.Value)
		case o.Name == "QUOTE":
			l.quote, quoted = o.Value, true
		case o.Name == "NULL":
			l.null = unescape(o.Value)
		case o.Name == "IGNOREHEADER":
			l.skip, _ = strconv.Atoi(o.Value)
		case o.Name == "GZIP" || o.Name == "ZSTD":
			l.compression = strings.ToLower(o.Name)
		case o.Name == "DATEFORMAT":
			l.dateFormat = o.Value
		case o.Name == "TIMEFORMAT":
			l.timeFormat = o.Value
		case o.Name == "MAXERROR":
			l.maxErrors, _ = strconv.Atoi(o.Value)
		case o.Name == "ENCODING" && strings.EqualFold(o.Value, "utf8"):
		default:
			return refuse(o.Name)
		}
	}
	for _, o := range list { // an explicit DELIMITER wins over CSV's comma
		if o.Name == "DELIMITER" {
			l.delimiter = unescape(o.Value)
		}
	}
	if l.format == "CSV" && (l.flags["ESCAPE"] || l.flags["REMOVEQUOTES"]) {
		return sqlerr.New(sqlerr.SyntaxError, "CSV is not compatible with ESCAPE or REMOVEQUOTES")
	}
	return nil
}

// unescape reads the spellings COPY takes for characters that do not print.
func unescape(text string) string {
	switch text {
	case `\t`:
		return "\t"
	case `\n`:
		return "\n"
	case `\0`, `\000`:
		return "\x00"
	}
	if code, ok := strings.CutPrefix(text, `\`); ok && len(code) == 3 {
		if n, err := strconv.ParseUint(code, 8, 8); err == nil {
			return string([]byte{byte(n)})
		}
	}
	return text
}

// resolve finds the target and the columns to fill.
func (l *load) resolve() error {
	name := l.stmt.Table.Last().Name
	target, err := l.run.catalog.Relation(parts(l.stmt.Table))
	if err != nil {
		return err
	}
	if target == nil {
		return sqlerr.New(sqlerr.UndefinedTable, "Cannot COPY into nonexistent table %s", name)
	}
	if target.Kind != resolve.Table {
		return sqlerr.New(sqlerr.WrongObjectType, "cannot COPY to \"%s\": it is not a table", name)
	}
	l.target = target
	if len(l.stmt.Columns) == 0 {
		for _, c := range target.Columns {
			if c.Identity == resolve.IdentityNone || l.flags["EXPLICIT_IDS"] {
				l.columns = append(l.columns, c)
			}
		}
		return nil
	}
	for _, id := range l.stmt.Columns {
		i := slices.IndexFunc(target.Columns, func(c resolve.Column) bool { return c.Name == id.Name })
		if i < 0 {
			return sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", id.Name, name)
		}
		l.columns = append(l.columns, target.Columns[i])
	}
	return nil
}

// findFiles lists what the prefix or the manifest names.
func (l *load) findFiles(ctx context.Context) error {
	objects := l.run.session.cluster.w.options.Objects
	if objects == nil {
		return sqlerr.New(sqlerr.FeatureNotSupported, "COPY needs an object store, and none is configured")
	}
	bucket, prefix, err := lake.SplitURI(l.stmt.From)
	if err != nil {
		return sqlerr.NotImplemented("COPY from a source other than Amazon S3")
	}
	if l.flags["MANIFEST"] {
		return l.fromManifest(ctx, objects, bucket, prefix)
	}
	list, err := objects.List(ctx, bucket, prefix)
	if err != nil {
		return objectError(err)
	}
	if len(list) == 0 {
		return sqlerr.New(sqlerr.InternalError, "The specified S3 prefix '%s' does not exist", prefix)
	}
	for _, o := range list {
		if o.Size == 0 || strings.HasSuffix(o.Key, "/") {
			continue
		}
		path, err := objects.Path(ctx, bucket, o.Key)
		if err != nil {
			return objectError(err)
		}
		l.files = append(l.files, lake.File{URI: "s3://" + bucket + "/" + o.Key, Path: path, Size: o.Size})
	}
	return nil
}

func (l *load) fromManifest(ctx context.Context, objects lake.Objects, bucket, key string) error {
	path, err := objects.Path(ctx, bucket, key)
	if errors.Is(err, fs.ErrNotExist) {
		return sqlerr.New(sqlerr.InternalError, "S3ServiceException:The specified key does not exist.,Status 404,Error NoSuchKey")
	}
	if err != nil {
		return objectError(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var manifest struct {
		Entries []struct {
			URL       string `json:"url"`
			Mandatory bool   `json:"mandatory"`
		} `json:"entries"`
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return sqlerr.New(sqlerr.InternalError, "Error parsing manifest file s3://%s/%s: %s", bucket, key, err.Error())
	}
	for _, e := range manifest.Entries {
		b, k, err := lake.SplitURI(e.URL)
		if err != nil {
			return sqlerr.New(sqlerr.InternalError, "Invalid URL '%s' in manifest file", e.URL)
		}
		path, err := objects.Path(ctx, b, k)
		if errors.Is(err, fs.ErrNotExist) {
			if e.Mandatory {
				return sqlerr.New(sqlerr.InternalError, "S3ServiceException:The specified key does not exist.,Status 404,Error NoSuchKey").
					WithDetail("Manifest entry %s is mandatory.", e.URL)
			}
			continue
		}
		if err != nil {
			return objectError(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.Size() > 0 {
			l.files = append(l.files, lake.File{URI: e.URL, Path: path, Size: info.Size()})
		}
	}
	return nil
}

// insert loads the files in one statement. A fault is looked up row by row
// afterwards, so that a load without faults pays nothing for it.
func (l *load) insert() (int64, error) {
	if len(l.files) == 0 {
		return 0, nil
	}
	source, err := l.source(false)
	if err != nil {
		return 0, err
	}
	s := l.run.session
	if l.flags["NOLOAD"] {
		return l.validate(source)
	}
	if l.maxErrors > 0 && l.format != "PARQUET" {
		return l.insertTolerant()
	}
	n, err := s.conn.Exec(l.run.ctx, l.insertSQL(source))
	if err != nil {
		return 0, l.explain(err)
	}
	return n, nil
}

func (l *load) insertSQL(source *emit.Query) string {
	names := make([]string, len(l.columns))
	for i, c := range l.columns {
		names[i] = c.Name
	}
	return emit.SQL(&emit.Insert{Table: l.target.Duck, Columns: names, Query: source})
}

func (l *load) validate(source *emit.Query) (int64, error) {
	n, err := queryInt(l.run.ctx, l.run.session.conn, "SELECT count(*) FROM (SELECT unnest([1]) FROM ("+emit.SQL(source)+"))")
	if err != nil {
		return 0, l.explain(err)
	}
	return n, nil
}

// source is the query over the files, one item per column to fill. With try,
// values that do not convert are NULL.
func (l *load) source(try bool) (*emit.Query, error) {
	paths := &emit.List{}
	for _, f := range l.files {
		paths.Items = append(paths.Items, &emit.Str{Value: f.Path})
	}
	sel := &emit.Select{}
	if l.format == "PARQUET" {
		if err := l.checkParquet(); err != nil {
			return nil, err
		}
		sel.From = []emit.Table{&emit.TableCall{
			Call:  &emit.Call{Name: "read_parquet", Args: []emit.Expr{paths, named("hive_partitioning", &emit.Word{Text: "FALSE"})}},
			Alias: emit.Alias{Name: "f", Columns: l.fileColumns()},
		}}
	} else {
		sel.From = []emit.Table{&emit.TableCall{Call: &emit.Call{Name: "read_csv", Args: l.csvArguments(paths)}}}
	}
	for i, c := range l.columns {
		sel.Items = append(sel.Items, emit.Item{X: l.value(fileColumn(i), c.Type, try)})
	}
	return &emit.Query{Body: sel}, nil
}

func named(name string, value emit.Expr) emit.Expr { return &emit.Named{Name: name, Value: value} }

func fileColumn(i int) string { return fmt.Sprintf("c%d", i) }

func (l *load) fileColumns() []string {
	out := make([]string, len(l.columns))
	for i := range out {
		out[i] = fileColumn(i)
	}
	return out
}

// checkParquet compares the number of columns: COPY fills columns by position.
func (l *load) checkParquet() error {
	stmt, err := l.run.session.conn.Prepare("SELECT * FROM read_parquet(" + emit.Literal(l.files[0].Path) + ", hive_partitioning = FALSE)")
	if err != nil {
		return sqlerr.New(sqlerr.InternalError, "Spectrum Scan Error").WithDetail("File '%s' has an invalid version number or is not a Parquet file.", l.files[0].URI)
	}
	defer stmt.Close()
	if n := len(stmt.Columns()); n != len(l.columns) {
		return sqlerr.New(sqlerr.InternalError, "Spectrum Scan Error").
			WithDetail("Unmatched number of columns between table and file. Table columns: %d, Data columns: %d, File name: %s", len(l.columns), n, l.files[0].URI)
	}
	return nil
}

func (l *load) csvArguments(paths emit.Expr) []emit.Expr {
	columns := &emit.Struct{}
	for i := range l.columns {
		columns.Fields = append(columns.Fields, emit.Named{Name: fileColumn(i), Value: &emit.Str{Value: "VARCHAR"}})
	}
	text := func(name, value string) emit.Expr { return named(name, &emit.Str{Value: value}) }
	word := func(name string, on bool) emit.Expr {
		return named(name, &emit.Word{Text: strings.ToUpper(strconv.FormatBool(on))})
	}
	quote, escape := l.quote, l.quote
	if l.format == "TEXT" {
		quote, escape = "", ""
		if l.flags["REMOVEQUOTES"] {
			quote = `"`
		}
		if l.flags["ESCAPE"] {
			escape = `\`
		}
	}
	return []emit.Expr{
		paths, named("columns", columns),
		word("header", false), word("auto_detect", false), word("null_padding", l.flags["FILLRECORD"]),
		word("strict_mode", l.format == "CSV"), word("hive_partitioning", false),
		named("skip", &emit.Num{Text: strconv.Itoa(l.skip)}),
		text("delim", l.delimiter), text("quote", quote), text("escape", escape),
		text("nullstr", l.null), text("compression", l.compression),
	}
}

// value converts one field to its column's type.
func (l *load) value(column string, t types.Type, try bool) emit.Expr {
	var x emit.Expr = &emit.Ref{Parts: []string{column}}
	call := func(name string, args ...emit.Expr) emit.Expr { return &emit.Call{Name: name, Args: args} }
	size := &emit.Num{Text: strconv.Itoa(t.Length)}
	if l.format == "PARQUET" {
		if t.IsText() && t.Length > 0 && t.Length < types.MaxVarchar {
			return call("rs_fit_varchar", &emit.Cast{X: x, Type: "VARCHAR"}, size)
		}
		return &emit.Cast{X: x, Type: t.Duck(), Try: try}
	}
	if l.flags["TRIMBLANKS"] && t.Kind == types.Varchar {
		x = call("rtrim", x)
	}
	if t.IsText() {
		switch {
		case l.flags["BLANKSASNULL"]:
			x = &emit.Case{Whens: []emit.When{{Cond: &emit.Op{Op: "=", Args: []emit.Expr{call("trim", x), &emit.Str{}}}, Result: &emit.Word{Text: "NULL"}}}, Else: x}
		case l.flags["EMPTYASNULL"]:
			x = call("nullif", x, &emit.Str{})
		}
		name := "rs_fit_varchar"
		switch {
		case t.Kind == types.Char && l.flags["TRUNCATECOLUMNS"]:
			name = "rs_char"
		case t.Kind == types.Char:
			name = "rs_fit_char"
		case l.flags["TRUNCATECOLUMNS"]:
			name = "rs_varchar"
		}
		if try {
			return x
		}
		return call(name, x, size)
	}
	x = call("nullif", call("trim", x), &emit.Str{})
	if l.dateFormat != "" && t.Kind == types.Date && !strings.EqualFold(l.dateFormat, "auto") {
		return &emit.Cast{X: parseTime(x, l.dateFormat, try), Type: "DATE", Try: try}
	}
	if t.Kind == types.Timestamp || t.Kind == types.TimestampTZ {
		switch strings.ToLower(l.timeFormat) {
		case "", "auto":
		case "epochsecs":
			return call("make_timestamp", &emit.Op{Op: "*", Args: []emit.Expr{&emit.Cast{X: x, Type: "BIGINT", Try: try}, &emit.Num{Text: "1000000"}}})
		case "epochmillisecs":
			return call("make_timestamp", &emit.Op{Op: "*", Args: []emit.Expr{&emit.Cast{X: x, Type: "BIGINT", Try: try}, &emit.Num{Text: "1000"}}})
		default:
			return &emit.Cast{X: parseTime(x, l.timeFormat, try), Type: t.Duck(), Try: try}
		}
	}
	return &emit.Cast{X: x, Type: t.Duck(), Try: try}
}

func parseTime(x emit.Expr, format string, try bool) emit.Expr {
	name := "strptime"
	if try {
		name = "try_strptime"
	}
	return &emit.Call{Name: name, Args: []emit.Expr{x, &emit.Str{Value: timePattern(format)}}}
}

// timePatterns pairs the parts of DATEFORMAT and TIMEFORMAT strings with
// strptime's, the longer before their prefixes.
var timePatterns = []string{
	"YYYY", "%Y", "YY", "%y", "MONTH", "%B", "MON", "%b", "MM", "%m", "DD", "%d", "HH24", "%H", "HH12", "%I", "HH", "%H",
	"MI", "%M", "SS", "%S", "US", "%f", "AM", "%p", "PM", "%p", "OF", "%z", "TZ", "%Z",
}

func timePattern(format string) string {
	return strings.NewReplacer(timePatterns...).Replace(strings.ToUpper(format))
}
