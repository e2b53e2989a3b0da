package warehouse

import (
	"fmt"
	"strconv"
	"strings"

	"stepwell/internal/lake"
	"stepwell/internal/records"
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// native says that DuckDB's own reader understands the files as COPY does:
// Parquet, and CSV and text without the options it has no like of.
func (l *load) native() bool {
	switch {
	case l.format == "PARQUET":
		return true
	case l.format != "CSV" && l.format != "TEXT", l.compression == "bzip2" || l.compression == "lzop":
		return false
	case l.encoding != "" && l.encoding != "utf8", l.replace != "", strings.ContainsAny(l.null, "\x00\r\n"):
		return false
	}
	for _, flag := range []string{"ESCAPE", "REMOVEQUOTES", "FILLRECORD", "IGNOREBLANKLINES", "IGNOREALLERRORS"} {
		if l.flags[flag] {
			return false
		}
	}
	return len(l.columns) > 1 // of one column DuckDB takes blank lines for rows
}

// source is the query over the files, one item per column to fill.
func (l *load) source(native bool) (*emit.Query, error) {
	sel := &emit.Select{}
	switch {
	case l.format == "PARQUET":
		return l.parquet()
	case native:
		sel.From = []emit.Table{&emit.TableCall{Call: &emit.Call{Name: "read_csv", Args: l.csvArguments()}}}
	default:
		spec, err := l.spec()
		if err != nil {
			return nil, err
		}
		sel.From = []emit.Table{lake.RecordsCall(spec)}
	}
	for i, c := range l.columns {
		x := l.value(fileColumn(i), c.Type, false)
		if l.format == "ORC" && c.Type.Kind == types.Super && !l.flags["SERIALIZETOJSON"] {
			return nil, scanError("SERIALIZETOJSON is needed to load the column %s of type SUPER from ORC", c.Name)
		}
		sel.Items = append(sel.Items, emit.Item{X: x})
	}
	return &emit.Query{Body: sel}, nil
}

func named(name string, value emit.Expr) emit.Expr { return &emit.Named{Name: name, Value: value} }

func fileColumn(i int) string { return fmt.Sprintf("c%d", i) }

func (l *load) pathList() *emit.List {
	paths := &emit.List{}
	for _, f := range l.files {
		paths.Items = append(paths.Items, &emit.Str{Value: f.Path})
	}
	return paths
}

// parquet reads Parquet files: COPY fills the columns by position.
func (l *load) parquet() (*emit.Query, error) {
	found, nested, err := l.checkParquet()
	if err != nil {
		return nil, err
	}
	aliases := make([]string, found)
	for i := range aliases {
		aliases[i] = fileColumn(i)
	}
	sel := &emit.Select{From: []emit.Table{&emit.TableCall{
		Call:  &emit.Call{Name: "read_parquet", Args: []emit.Expr{l.pathList(), named("hive_partitioning", &emit.Word{Text: "FALSE"})}},
		Alias: emit.Alias{Name: "f", Columns: aliases},
	}}}
	for i, c := range l.columns {
		if i >= found {
			sel.Items = append(sel.Items, emit.Item{X: &emit.Cast{X: &emit.Word{Text: "NULL"}, Type: c.Type.Duck()}})
			continue
		}
		x := l.typedValue(&emit.Ref{Parts: []string{fileColumn(i)}}, c.Type, nested[i])
		sel.Items = append(sel.Items, emit.Item{X: x})
	}
	return &emit.Query{Body: sel}, nil
}

// checkParquet compares the number of columns, and says which are nested.
func (l *load) checkParquet() (found int, nested []bool, err error) {
	name := l.files[0].URI
	stmt, err := l.run.session.conn.Prepare("SELECT * FROM read_parquet(" + emit.Literal(l.files[0].Path) + ", hive_partitioning = FALSE)")
	if err != nil {
		return 0, nil, scanError("File '%s' has an invalid version number or is not a Parquet file.", name)
	}
	defer stmt.Close()
	list := stmt.Columns()
	if n := len(list); n > len(l.columns) || n < len(l.columns) && !l.flags["FILLRECORD"] {
		return 0, nil, scanError("Unmatched number of columns between table and file. Table columns: %d, Data columns: %d, File name: %s", len(l.columns), n, name)
	}
	for i, c := range list {
		isNested := len(c.Type.Fields) > 0
		nested = append(nested, isNested)
		if col := l.columns[i]; isNested && col.Type.Kind != types.Super && !(l.flags["SERIALIZETOJSON"] && col.Type.IsText()) {
			return 0, nil, scanError("The column %s of the file %s is nested and cannot be loaded into the column %s of type %s; use SUPER with SERIALIZETOJSON", c.Name, name, col.Name, col.Type.String())
		}
		if col := l.columns[i]; isNested && !l.flags["SERIALIZETOJSON"] {
			return 0, nil, scanError("The column %s of the file %s is nested: SERIALIZETOJSON is needed to load it into the column %s", c.Name, name, col.Name)
		}
	}
	return len(list), nested, nil
}

// scanError is how COPY from columnar files fails.
func scanError(format string, args ...any) *sqlerr.Error {
	return sqlerr.New(sqlerr.InternalError, "Spectrum Scan Error").WithDetail(format, args...)
}

// typedValue converts a value of a columnar file.
func (l *load) typedValue(x emit.Expr, t types.Type, nested bool) emit.Expr {
	switch {
	case nested && t.IsText():
		x = &emit.Cast{X: &emit.Cast{X: x, Type: "JSON"}, Type: "VARCHAR"}
	case t.Kind == types.Super:
		return &emit.Cast{X: &emit.Call{Name: "to_json", Args: []emit.Expr{x}}, Type: "JSON"}
	}
	if t.IsText() && t.Length > 0 && t.Length < types.MaxVarchar {
		name := "rs_fit_varchar"
		if t.Kind == types.Char {
			name = "rs_fit_char"
		}
		return &emit.Call{Name: name, Args: []emit.Expr{&emit.Cast{X: x, Type: "VARCHAR"}, &emit.Num{Text: strconv.Itoa(t.Length)}}}
	}
	return &emit.Cast{X: x, Type: t.Duck()}
}

func (l *load) csvArguments() []emit.Expr {
	columns := &emit.Struct{}
	for i := range l.columns {
		columns.Fields = append(columns.Fields, emit.Named{Name: fileColumn(i), Value: &emit.Str{Value: "VARCHAR"}})
	}
	text := func(name, value string) emit.Expr { return named(name, &emit.Str{Value: value}) }
	word := func(name string, on bool) emit.Expr {
		return named(name, &emit.Word{Text: strings.ToUpper(strconv.FormatBool(on))})
	}
	quote := l.quote
	if l.format == "TEXT" {
		quote = ""
	}
	return []emit.Expr{
		l.pathList(), named("columns", columns),
		word("header", false), word("auto_detect", false), word("null_padding", false),
		word("strict_mode", true), word("hive_partitioning", false),
		named("skip", &emit.Num{Text: strconv.Itoa(l.skip)}),
		text("delim", l.delimiter), text("quote", quote), text("escape", quote),
		text("nullstr", l.null), text("compression", l.compression),
	}
}

// spec describes the files to the records package.
func (l *load) spec() (records.Spec, error) {
	s := records.Spec{
		Format: map[string]string{
			"TEXT": records.Text, "CSV": records.CSV, "FIXEDWIDTH": records.Fixed, "JSON": records.JSON, "AVRO": records.Avro, "ORC": records.ORC,
		}[l.format],
		Compression: l.compression, Encoding: l.encoding, Delimiter: l.delimiter, Quote: l.quote, Null: new(l.null),
		RemoveQuotes: l.flags["REMOVEQUOTES"], Fill: l.flags["FILLRECORD"], SkipBlank: l.flags["IGNOREBLANKLINES"],
		Skip: l.skip, Replace: l.replace, ByPosition: l.format == "ORC",
	}
	if l.flags["ESCAPE"] {
		s.Escape = `\`
	}
	for _, f := range l.files {
		s.Files = append(s.Files, records.File{Path: f.Path, Name: f.URI})
	}
	for i, c := range l.columns {
		s.Columns = append(s.Columns, records.Column{Name: c.Name, Whole: c.Type.Kind == types.Super})
		if l.paths != nil {
			s.Columns[i].Path = l.paths[i]
		}
	}
	switch l.format {
	case "FIXEDWIDTH":
		widths, err := l.fixedWidths()
		if err != nil {
			return s, err
		}
		for i := range widths {
			s.Columns[i].Width = widths[i].Width
		}
	case "JSON", "AVRO":
		return s, l.mapMembers(&s)
	}
	return s, nil
}

// mapMembers reads what follows JSON and AVRO.
func (l *load) mapMembers(s *records.Spec) error {
	switch mapping := strings.Join(strings.Fields(strings.ToLower(l.mapping)), " "); {
	case l.paths != nil, mapping == "", mapping == "auto":
	case mapping == "auto ignorecase":
		s.IgnoreCase = true
	case mapping == "noshred" && l.format == "JSON":
		if len(l.columns) != 1 || l.columns[0].Type.Kind != types.Super {
			return sqlerr.New(sqlerr.InvalidParameterValue, "COPY with the noshred option needs a single target column of type SUPER")
		}
		s.Columns[0].Root = true
	default:
		return sqlerr.New(sqlerr.InvalidParameterValue, "invalid %s option '%s'", l.format, l.mapping)
	}
	return nil
}
