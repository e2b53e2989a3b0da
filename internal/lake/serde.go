package lake

import (
	"fmt"
	"strconv"
	"strings"

	"stepwell/internal/records"
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/types"
)

// odd says that a file is compressed as DuckDB's reader of text does not know.
func odd(list []Slice) bool {
	for _, s := range list {
		for _, f := range s.Files {
			for _, end := range []string{".bz2", ".lzo"} {
				if strings.HasSuffix(f.URI, end) {
					return true
				}
			}
		}
	}
	return false
}

// convert makes a value of a file one of its column's type. Text that does not
// read as its column's type is NULL to a SerDe; nested values are JSON.
func (r *reader) convert(x emit.Expr, c typed) emit.Expr {
	if c.typ.Kind != types.Nested {
		return &emit.Cast{X: x, Type: c.typ.Duck(), Try: r.format != Parquet}
	}
	if r.format != Parquet {
		return &emit.Cast{X: &emit.Call{Name: "json", Args: []emit.Expr{x}}, Type: c.typ.Duck()}
	}
	if isMap(c.typ) {
		x = &emit.Call{Name: "map_entries", Args: []emit.Expr{x}}
	}
	return &emit.Cast{X: &emit.Call{Name: "to_json", Args: []emit.Expr{x}}, Type: c.typ.Duck()}
}

// isMap says that a nested column is a map, which is read as a list of its
// pairs: that is how queries unnest it.
func isMap(t types.Type) bool {
	return t.Kind == types.Nested && strings.HasPrefix(strings.ToLower(strings.TrimSpace(t.Text)), "map")
}

// records reads the slices through RecordsFunction.
func (r *reader) records(list []Slice) (*emit.Select, error) {
	spec, err := r.spec()
	if err != nil {
		return nil, err
	}
	origin := r.wants(PathColumn) || r.wants(SizeColumn)
	spec.Origin = origin
	var files []File
	for _, s := range list {
		var parts []*string
		for _, v := range s.Values {
			if v == nullPartition {
				parts = append(parts, nil)
			} else {
				parts = append(parts, new(v))
			}
		}
		for _, f := range s.Files {
			files = append(files, f)
			spec.Files = append(spec.Files, records.File{Path: f.Path, Name: f.URI, Parts: parts})
		}
	}
	sel := &emit.Select{}
	for i, c := range r.columns {
		// Fields of text stand at their places, others are found by name.
		if r.positional() {
			if r.wants(c.name) {
				sel.Items = append(sel.Items, emit.Item{X: r.convert(field("c", i), c), As: c.name})
			}
			spec.Columns = append(spec.Columns, records.Column{})
			continue
		}
		if !r.wants(c.name) {
			continue
		}
		sel.Items = append(sel.Items, emit.Item{X: r.convert(field("c", len(spec.Columns)), c), As: c.name})
		spec.Columns = append(spec.Columns, r.member(c))
	}
	for i, k := range r.keys {
		if r.wants(k.name) {
			sel.Items = append(sel.Items, emit.Item{X: &emit.Cast{X: field("p", i), Type: k.typ.Duck()}, As: k.name})
		}
	}
	r.pseudo(sel, files)
	if len(sel.Items) == 0 { // count(*)
		sel.Items = []emit.Item{{X: &emit.Num{Text: "1"}, As: "?"}}
	}
	sel.From = []emit.Table{RecordsCall(spec)}
	return sel, nil
}

func field(kind string, i int) emit.Expr {
	return &emit.Ref{Parts: []string{kind + strconv.Itoa(i)}}
}

func (r *reader) positional() bool {
	return r.format == Delimited || r.format == CSV || r.format == Regex
}

// member is where a column's value is in a record of JSON, Avro or ORC.
func (r *reader) member(c typed) records.Column {
	name := c.name
	if mapped := r.table.Storage.SerDeParams["mapping."+c.name]; mapped != "" {
		name = strings.ToLower(mapped)
	}
	return records.Column{Name: name, Whole: c.typ.Kind == types.Nested, Pairs: isMap(c.typ)}
}

// spec describes the table's SerDe ("SerDe reference" of the Athena guide,
// "CREATE EXTERNAL TABLE" of the Redshift one).
func (r *reader) spec() (records.Spec, error) {
	p := r.table.Storage.SerDeParams
	s := records.Spec{Compression: "auto", Lenient: true, IgnoreCase: true, Logical: true}
	s.Skip, _ = strconv.Atoi(r.table.Parameters["skip.header.line.count"])
	switch r.format {
	case JSON:
		s.Format = records.JSON
		s.Malformed = strings.EqualFold(p["ignore.malformed.json"], "true")
		s.Outer = strings.EqualFold(first(p["strip.outer.array"], r.table.Parameters["strip.outer.array"]), "true")
	case Avro:
		s.Format = records.Avro
	case ORC:
		s.Format = records.ORC
		s.ByPosition = strings.EqualFold(r.table.Parameters["orc.schema.resolution"], "position")
	case Regex:
		if strings.Contains(r.table.Storage.SerDe, "Grok") {
			return s, fmt.Errorf("external tables with GrokSerDe are not supported")
		}
		s.Format, s.Pattern = records.Regex, p["input.regex"]
		if s.Pattern == "" {
			return s, fmt.Errorf("the external table %s has no input.regex", r.table.Name)
		}
		if strings.EqualFold(p["input.regex.case.insensitive"], "true") {
			s.Pattern = "(?i)" + s.Pattern
		}
	case CSV:
		s.Format, s.Delimiter = records.CSV, first(p["separatorChar"], ",")
		s.Quote, s.Escape = first(p["quoteChar"], `"`), first(p["escapeChar"], `\`)
	case Delimited:
		null, ok := p["serialization.null.format"]
		if !ok {
			null = `\N`
		}
		s.Format, s.Null, s.Escape = records.Text, new(null), p["escape.delim"]
		s.Delimiter = Delimiter(p)
	default:
		return s, fmt.Errorf("external tables in %s are not supported", r.format)
	}
	return s, nil
}
