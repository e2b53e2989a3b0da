package warehouse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// topOf says that a query is a SELECT TOP.
func topOf(q *syntax.Query) bool {
	s, ok := q.Body.(*syntax.Select)
	return ok && s.Top != nil
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
	if err == nil {
		err = x.count(files, rows)
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
	x.columns = resultColumns(plan, stmt.Columns())
	typeFromTables(x.columns, plan)
	var names, aliases []string
	var items []emit.Item
	plain := true
	for i, c := range stmt.Columns() {
		name := x.columns[i].Name
		names, aliases = append(names, name), append(aliases, fileColumn(i))
		item := emit.Item{X: &emit.Ref{Parts: []string{fileColumn(i)}}, As: name}
		if x.format == "JSON" && c.Type.Kind == duck.Decimal {
			// DuckDB writes decimals as doubles, without their zeros.
			item.X, plain = &emit.Cast{X: &emit.Cast{X: item.X, Type: "VARCHAR"}, Type: "JSON"}, false
		}
		if x.printed() && !slices.Contains(x.partitions, name) {
			if text := x.textual(item.X, c.Type); text != nil {
				item.X, plain = text, false
			}
		}
		items = append(items, item)
	}
	if err := x.checkColumns(names); err != nil {
		return "", nil, err
	}
	if x.format == "FIXEDWIDTH" {
		items, plain = x.fixedItems(items), false
	}
	if plain && slices.Equal(names, columnNames(stmt.Columns())) {
		return sql, names, nil
	}
	head := emit.SQL(&emit.Query{Body: &emit.Select{Items: items}})
	return head + " FROM (" + sql + ") AS q(" + strings.Join(aliases, ", ") + ")", names, nil
}

// printed says that the files hold the texts of values.
func (x *export) printed() bool { return x.format != "PARQUET" && x.format != "JSON" }

func (x *export) checkColumns(names []string) error {
	for _, p := range x.partitions {
		if !slices.Contains(names, p) {
			return sqlerr.New(sqlerr.UndefinedColumn, "partition column \"%s\" does not exist in the query", p)
		}
	}
	if len(x.partitions) > 0 && len(x.partitions) == len(names) && !x.include {
		return sqlerr.New(sqlerr.FeatureNotSupported, "All columns of the query are partition columns: at least one column must be left for the data files")
	}
	if x.format == "FIXEDWIDTH" && len(x.widths) != len(names)-len(x.partitions) {
		return sqlerr.New(sqlerr.InvalidParameterValue, "FIXEDWIDTH specification does not match the number of columns: %d, expected %d", len(x.widths), len(names)-len(x.partitions))
	}
	return nil
}

// fixedItems joins the columns to one text of fixed width.
func (x *export) fixedItems(items []emit.Item) (out []emit.Item) {
	line := &emit.Op{Op: "||"}
	for _, item := range items {
		if slices.Contains(x.partitions, item.As) {
			out = append(out, item)
			continue
		}
		width := &emit.Num{Text: strconv.Itoa(x.widths[len(line.Args)])}
		value := call("coalesce", &emit.Cast{X: item.X, Type: "VARCHAR"}, &emit.Str{Value: x.null})
		line.Args = append(line.Args, call("rpad", value, width, &emit.Str{Value: " "}))
	}
	return append([]emit.Item{{X: line, As: "line"}}, out...)
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
	case duck.Blob:
		return call("lower", call("hex", ref))
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
		if x.groupBytes > 0 {
			out = append(out, fmt.Sprintf("ROW_GROUP_SIZE %d", groupRows))
		}
	case "JSON":
		out = append(out, "FORMAT json")
	default:
		out = append(out, "FORMAT csv", "DELIMITER "+duck.Literal(x.delimiter), "NULLSTR "+duck.Literal(x.null), fmt.Sprintf("HEADER %t", x.header))
		switch {
		case x.format == "CSV":
			out = append(out, `QUOTE '"'`, `ESCAPE '"'`)
		case x.addQuotes:
			out = append(out, `QUOTE '"'`, `ESCAPE '\'`, "FORCE_QUOTE *")
		default:
			out = append(out, "QUOTE ''", "ESCAPE ''")
		}
	}
	if x.compression != "" {
		out = append(out, "COMPRESSION "+x.compression)
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

// groupRows is how many rows a row group holds when its size was asked for;
// DuckDB counts rows, not bytes, where the order is kept.
const groupRows = 262144

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
		files[i].key = folder + x.name(n)
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
func (x *export) key(n int) string { return x.prefix + x.name(n) }

func (x *export) name(n int) string {
	switch {
	case x.stamp != "":
		return fmt.Sprintf("%s%04d_part_00", x.stamp, n) + x.suffix()
	case !x.parallel:
		return fmt.Sprintf("%03d", n) + x.suffix()
	case x.maxBytes > 0 && len(x.partitions) == 0: // parts of one slice
		return fmt.Sprintf("0000_part_%02d", n) + x.suffix()
	}
	return fmt.Sprintf("%04d_part_00", n) + x.suffix()
}

func (x *export) suffix() string {
	switch {
	case x.extension != "":
		return x.extension
	case x.format == "PARQUET":
		return ".parquet"
	}
	kind := ""
	if x.format == "JSON" {
		kind = ".json"
	}
	return kind + map[string]string{"gzip": ".gz", "zstd": ".zst"}[x.compression]
}

// count finds how many rows each file has.
func (x *export) count(files []written, rows int64) error {
	for i := range files {
		f := &files[i]
		f.rows = -1
		switch {
		case f.size == 0:
			f.rows = 0
		case len(files) == 1:
			f.rows = rows
		case x.format == "PARQUET":
			n, err := queryInt(x.run.ctx, x.run.session.conn, "SELECT CAST(num_rows AS BIGINT) FROM parquet_file_metadata("+duck.Literal(f.file)+")")
			if err != nil {
				return err
			}
			f.rows = n
		case x.compression == "" && x.manifest == "VERBOSE":
			n, err := countLines(f.file)
			if err != nil {
				return err
			}
			if f.rows = n; x.header {
				f.rows--
			}
		}
	}
	return nil
}

func countLines(path string) (n int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	buf := make([]byte, 1<<18)
	for {
		k, err := f.Read(buf)
		n += int64(bytes.Count(buf[:k], []byte{'\n'}))
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}
