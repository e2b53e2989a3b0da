package lake

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/types"
)

// Slice is a part of a table whose files share the partition values: one
// partition, or the whole of a table without partitions.
type Slice struct {
	Values []string // one per partition key; nil for a table without partitions
	Files  []File
}

// File is one object to read.
type File struct {
	URI  string // s3://bucket/key
	Path string // the local file
	Size int64
}

// The pseudo columns of an external table.
const (
	PathColumn = "$path"
	SizeColumn = "$size"
)

// nullPartition is the value Hive writes for NULL.
const nullPartition = "__HIVE_DEFAULT_PARTITION__"

// Files lists the objects under a location and resolves them to local files.
// Files Spectrum ignores and empty objects are left out.
func Files(ctx context.Context, objects Objects, location string) ([]File, error) {
	bucket, prefix, err := SplitURI(location)
	if err != nil {
		return nil, err
	}
	list, err := objects.List(ctx, bucket, prefix)
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", location, err)
	}
	if files, ok, err := fromManifest(ctx, objects, bucket, prefix); ok || err != nil {
		return files, err
	}
	var files []File
	for _, o := range list {
		if o.Size == 0 || Hidden(o.Key) || !under(o.Key, prefix) {
			continue
		}
		path, err := objects.Path(ctx, bucket, o.Key)
		if err != nil {
			return nil, fmt.Errorf("cannot read s3://%s/%s: %w", bucket, o.Key, err)
		}
		files = append(files, File{URI: "s3://" + bucket + "/" + o.Key, Path: path, Size: o.Size})
	}
	return files, nil
}

// under says whether the key is the location's object or lies in its folder:
// unlike COPY, a table location is not a bare prefix.
func under(key, prefix string) bool {
	return prefix == "" || strings.HasSuffix(prefix, "/") || key == prefix || strings.HasPrefix(key, prefix+"/")
}

// Source is the DuckDB relation that reads the slices of the table with at
// least the wanted columns (all of the table's when nil), by their lower-case
// names and of their declared types. Without files it is a relation without rows.
func Source(t *Table, slices []Slice, wanted []string) (emit.Table, error) {
	r := &reader{table: t, format: t.Storage.Format(), wanted: wanted}
	if err := r.resolve(); err != nil {
		return nil, err
	}
	var full []Slice
	for _, s := range slices {
		if len(s.Files) > 0 {
			full = append(full, s)
		}
	}
	var body emit.Body
	switch {
	case len(full) == 0:
		body = r.empty()
	case r.format != Parquet && (r.format != Delimited && r.format != CSV || odd(full)):
		read, err := r.records(full)
		if err != nil {
			return nil, err
		}
		body = read
	case r.hiveStyle(full):
		body = r.read(Slice{Files: joined(full)}, true)
	default:
		for _, s := range full {
			body = union(body, r.read(s, false))
		}
	}
	return &emit.Derived{Query: &emit.Query{Body: body}}, nil
}

func union(left, right emit.Body) emit.Body {
	if left == nil {
		return right
	}
	return &emit.SetOp{Op: "UNION", All: true, Left: left, Right: right}
}

func joined(list []Slice) (files []File) {
	for _, s := range list {
		files = append(files, s.Files...)
	}
	return files
}

type typed struct {
	name string
	typ  types.Type
}

type reader struct {
	table   *Table
	format  Format
	wanted  []string
	columns []typed // in the files
	keys    []typed // partition keys
}

func (r *reader) resolve() error {
	for _, c := range r.table.Columns {
		t, err := TypeOf(c.Type)
		if err != nil {
			return fmt.Errorf("column %s of external table %s: %w", c.Name, r.table.Name, err)
		}
		r.columns = append(r.columns, typed{strings.ToLower(c.Name), t})
	}
	for _, c := range r.table.PartitionKeys {
		t, err := TypeOf(c.Type)
		if err != nil {
			return fmt.Errorf("partition column %s of external table %s: %w", c.Name, r.table.Name, err)
		}
		r.keys = append(r.keys, typed{strings.ToLower(c.Name), t})
	}
	return nil
}

func (r *reader) wants(column string) bool {
	if r.wanted == nil {
		return !strings.HasPrefix(column, "$")
	}
	return slices.Contains(r.wanted, column)
}

// empty is a relation of the table's columns without rows.
func (r *reader) empty() *emit.Select {
	s := &emit.Select{Where: &emit.Word{Text: "FALSE"}}
	for _, c := range append(slices.Clone(r.columns), r.keys...) {
		s.Items = append(s.Items, null(c))
	}
	if r.wants(PathColumn) {
		s.Items = append(s.Items, emit.Item{X: &emit.Cast{X: &emit.Word{Text: "NULL"}, Type: "VARCHAR"}, As: PathColumn})
	}
	if r.wants(SizeColumn) {
		s.Items = append(s.Items, emit.Item{X: &emit.Cast{X: &emit.Word{Text: "NULL"}, Type: "BIGINT"}, As: SizeColumn})
	}
	return s
}

func null(c typed) emit.Item {
	return emit.Item{X: &emit.Cast{X: &emit.Word{Text: "NULL"}, Type: c.typ.Duck()}, As: c.name}
}

// read is the query over one slice. With hive, the partition values come from
// the files' paths, else they are constants.
func (r *reader) read(s Slice, hive bool) *emit.Select {
	sel := &emit.Select{From: []emit.Table{r.call(s.Files, hive)}}
	for _, c := range r.columns {
		if !r.wants(c.name) {
			continue
		}
		sel.Items = append(sel.Items, emit.Item{X: r.convert(&emit.Ref{Parts: []string{c.name}}, c), As: c.name})
	}
	for i, k := range r.keys {
		if !r.wants(k.name) {
			continue
		}
		var x emit.Expr = &emit.Ref{Parts: []string{k.name}}
		if !hive {
			x = constant(s.Values[i])
		}
		sel.Items = append(sel.Items, emit.Item{X: &emit.Cast{X: x, Type: k.typ.Duck()}, As: k.name})
	}
	r.pseudo(sel, s.Files)
	if len(sel.Items) == 0 { // count(*)
		sel.Items = []emit.Item{{X: &emit.Num{Text: "1"}, As: "?"}}
	}
	return sel
}

func constant(value string) emit.Expr {
	if value == nullPartition {
		return &emit.Word{Text: "NULL"}
	}
	return &emit.Str{Value: value}
}

// fileColumn is the name under which DuckDB gives a row's file.
const fileColumn = OriginColumn

func (r *reader) pseudo(sel *emit.Select, files []File) {
	lookup := func(value func(File) emit.Expr) emit.Expr {
		var paths, values []emit.Expr
		for _, f := range files {
			paths = append(paths, &emit.Str{Value: f.Path})
			values = append(values, value(f))
		}
		m := &emit.Call{Name: "map", Args: []emit.Expr{&emit.List{Items: paths}, &emit.List{Items: values}}}
		return &emit.Index{X: m, Index: &emit.Ref{Parts: []string{fileColumn}}}
	}
	if r.wants(PathColumn) {
		sel.Items = append(sel.Items, emit.Item{X: lookup(func(f File) emit.Expr { return &emit.Str{Value: f.URI} }), As: PathColumn})
	}
	if r.wants(SizeColumn) {
		x := lookup(func(f File) emit.Expr { return &emit.Num{Text: strconv.FormatInt(f.Size, 10)} })
		sel.Items = append(sel.Items, emit.Item{X: &emit.Cast{X: x, Type: "BIGINT"}, As: SizeColumn})
	}
}

// hiveStyle says whether every file's folders spell its slice's values as
// key=value, so that one read of all files finds them there.
func (r *reader) hiveStyle(list []Slice) bool {
	if len(r.keys) == 0 {
		return true
	}
	for _, s := range list {
		for _, f := range s.Files {
			for i, k := range r.keys {
				if !strings.Contains(f.Path, "/"+k.name+"="+url.PathEscape(s.Values[i])+"/") {
					return false
				}
			}
		}
	}
	return true
}

func (r *reader) call(files []File, hive bool) emit.Table {
	paths := &emit.List{}
	for _, f := range files {
		paths.Items = append(paths.Items, &emit.Str{Value: f.Path})
	}
	var named []emit.Named
	named = append(named, flag("hive_partitioning", hive && len(r.keys) > 0))
	if hive && len(r.keys) > 0 {
		kinds := &emit.Struct{}
		for _, k := range r.keys {
			kinds.Fields = append(kinds.Fields, emit.Named{Name: k.name, Value: &emit.Str{Value: k.typ.Duck()}})
		}
		named = append(named, emit.Named{Name: "hive_types", Value: kinds})
	}
	if r.wants(PathColumn) || r.wants(SizeColumn) {
		named = append(named, emit.Named{Name: "filename", Value: &emit.Str{Value: fileColumn}})
	}
	if r.format == Parquet {
		return r.parquet(paths, named)
	}
	return tableCall("read_csv", paths, append(named, r.csvOptions()...))
}

func tableCall(name string, paths *emit.List, named []emit.Named) emit.Table {
	args := []emit.Expr{paths}
	for i := range named {
		args = append(args, &named[i])
	}
	return &emit.TableCall{Call: &emit.Call{Name: name, Args: args}}
}

func flag(name string, on bool) emit.Named {
	word := "FALSE"
	if on {
		word = "TRUE"
	}
	return emit.Named{Name: name, Value: &emit.Word{Text: word}}
}

// parquet reads the files by column name. The union with a relation of the
// declared columns gives NULL for those a file lacks; DuckDB removes the empty
// side and pushes filters and projections through to the files.
func (r *reader) parquet(paths *emit.List, named []emit.Named) emit.Table {
	declared := &emit.Select{Where: &emit.Word{Text: "FALSE"}}
	for _, c := range r.columns {
		if r.wants(c.name) && c.typ.Kind != types.Nested {
			declared.Items = append(declared.Items, null(c))
		} else if r.wants(c.name) {
			// NULL alone takes the type the files have.
			declared.Items = append(declared.Items, emit.Item{X: &emit.Word{Text: "NULL"}, As: c.name})
		}
	}
	read := &emit.Select{
		Items: []emit.Item{{X: &emit.Star{}}},
		From:  []emit.Table{tableCall("read_parquet", paths, named)},
	}
	if len(declared.Items) == 0 {
		return &emit.Derived{Query: &emit.Query{Body: read}}
	}
	return &emit.Derived{Query: &emit.Query{Body: &emit.SetOp{Op: "UNION ALL BY NAME", Left: declared, Right: read}}}
}

// csvOptions are read_csv's arguments for the table's SerDe. Every column is
// read as text; the projection converts it.
func (r *reader) csvOptions() []emit.Named {
	p := r.table.Storage.SerDeParams
	columns := &emit.Struct{}
	for _, c := range r.columns {
		columns.Fields = append(columns.Fields, emit.Named{Name: c.name, Value: &emit.Str{Value: "VARCHAR"}})
	}
	text := func(name, value string) emit.Named { return emit.Named{Name: name, Value: &emit.Str{Value: value}} }
	named := []emit.Named{
		{Name: "columns", Value: columns},
		flag("header", false), flag("auto_detect", false), flag("null_padding", true), flag("strict_mode", false),
	}
	if n, err := strconv.Atoi(r.table.Parameters["skip.header.line.count"]); err == nil && n > 0 {
		named = append(named, emit.Named{Name: "skip", Value: &emit.Num{Text: strconv.Itoa(n)}})
	}
	if r.format == CSV {
		return append(named,
			text("delim", first(p["separatorChar"], ",")),
			text("quote", first(p["quoteChar"], `"`)),
			text("escape", first(p["escapeChar"], `"`)))
	}
	null, ok := p["serialization.null.format"]
	if !ok {
		null = `\N`
	}
	return append(named,
		text("delim", Delimiter(p)),
		text("quote", ""),
		text("escape", p["escape.delim"]),
		text("nullstr", null))
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// Delimiter is the character between the fields of a delimited text table.
func Delimiter(serDeParams map[string]string) string {
	return delimiter(first(serDeParams["field.delim"], serDeParams["serialization.format"], "\x01"))
}

// delimiter decodes the spellings a delimiter has in the catalog: the
// character itself, \t, or an octal or decimal code.
func delimiter(text string) string {
	switch text {
	case `\t`:
		return "\t"
	case `\n`:
		return "\n"
	}
	if code, ok := strings.CutPrefix(text, `\`); ok && len(code) == 3 {
		if n, err := strconv.ParseUint(code, 8, 8); err == nil {
			return string([]byte{byte(n)})
		}
	}
	if n, err := strconv.Atoi(text); err == nil && n < 32 {
		return string([]byte{byte(n)})
	}
	return text
}
