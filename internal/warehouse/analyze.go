package warehouse

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/klauspost/compress/zstd"
	"stepwell/internal/duck"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// compressionColumns are what ANALYZE COMPRESSION answers.
var compressionColumns = []Column{
	{Name: "Table", Type: textColumn}, {Name: "Column", Type: textColumn}, {Name: "Encoding", Type: textColumn}, {Name: "Est_reduction_pct", Type: textColumn},
}

// sampleRows is how many rows ANALYZE COMPRESSION reads at least, if there are
// as many.
const sampleRows = 100000

func (r *running) analyze(t *syntax.Analyze) (Done, error) {
	if t.Compression {
		return r.analyzeCompression(t)
	}
	sql := "ANALYZE"
	if t.Table != nil {
		found, err := r.catalog.Relation(parts(*t.Table))
		if err != nil {
			return Done{}, err
		}
		if found == nil {
			return Done{}, sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", t.Table.Last().Name)
		}
		for _, c := range t.Columns {
			if !slices.ContainsFunc(found.Columns, func(k resolve.Column) bool { return k.Name == c.Name }) {
				return Done{}, sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", c.Name, found.Name)
			}
		}
		sql += " " + quoted(found.Duck)
		_, err = r.session.conn.Exec(r.ctx, sql)
		return Done{Tag: "ANALYZE", Rows: -1}, err
	}
	return Done{Tag: "ANALYZE", Rows: -1}, nil
}

// analyzeCompression executes ANALYZE COMPRESSION: the sizes are those of the
// encodings' output for a sample of the table.
func (r *running) analyzeCompression(t *syntax.Analyze) (Done, error) {
	limit := sampleRows
	if rows := option(t.Options, "COMPROWS"); rows != "" {
		n, err := strconv.Atoi(rows)
		switch {
		case t.Table == nil:
			return Done{}, sqlerr.New(sqlerr.SyntaxError, "syntax error at or near \"comprows\"")
		case err != nil || n < 1000 || n > 1000000000:
			return Done{}, sqlerr.New(sqlerr.InvalidParameterValue, "COMPROWS must be a number from 1000 to 1000000000")
		}
		limit = max(limit, n)
	}
	tables, err := r.compressed(t)
	if err != nil {
		return Done{}, err
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return Done{}, fmt.Errorf("cannot compress a sample: %w", err)
	}
	defer z.Close()
	var rows [][]string
	for _, rel := range tables {
		for _, c := range rel.columns {
			row := []string{rel.name, c.name, "N/A", "0.00"}
			if len(t.Columns) == 0 || slices.ContainsFunc(t.Columns, func(id syntax.Ident) bool { return id.Name == c.name }) {
				if row[2], row[3], err = r.suggestEncoding(rel, c, limit, z); err != nil {
					return Done{}, err
				}
			}
			rows = append(rows, row)
		}
	}
	return Done{Tag: "ANALYZE COMPRESSION", Command: "ANALYZE COMPRESSION", Rows: int64(len(rows)), HasRows: true}, r.session.rowsOf(r.sink, compressionColumns, rows)
}

// compressed are the tables that are to be analyzed.
func (r *running) compressed(t *syntax.Analyze) ([]*relation, error) {
	who := r.session.actor()
	if t.Table == nil {
		set, err := r.session.db.schemasFor(r.ctx, r.session)
		if err != nil {
			return nil, err
		}
		var out []*relation
		for _, key := range slices.SortedFunc(maps.Keys(set.relations), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
			if rel := set.relations[key]; rel.kind == "r" && (who.super || rel.owner == who.name) {
				out = append(out, rel)
			}
		}
		return out, nil
	}
	rel, err := r.existing(*t.Table)
	switch {
	case err != nil:
		return nil, err
	case rel == nil:
		return nil, sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", t.Table.Last().Name)
	case rel.kind != "r" && rel.kind != "":
		return nil, sqlerr.New(sqlerr.WrongObjectType, "\"%s\" is not a table", rel.name)
	case !who.super && rel.schema != tempSchema && rel.owner != who.name:
		return nil, notOwner("relation", rel.name)
	}
	for _, c := range t.Columns {
		if !slices.ContainsFunc(rel.columns, func(k column) bool { return k.name == c.Name }) {
			return nil, sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", c.Name, rel.name)
		}
	}
	return []*relation{rel}, nil
}

// suggestEncoding is the encoding for a column and by how many percent it is
// smaller than without. A sort key keeps its encoding.
func (r *running) suggestEncoding(rel *relation, c column, limit int, z *zstd.Encoder) (name, percent string, err error) {
	if c.sortKey != 0 {
		if name = c.effectiveEncoding(); name == "" || name == "none" {
			name = "raw"
		}
		return name, "0.00", nil
	}
	s, expr := sampleOf(c)
	err = eachRow(r.ctx, r.session.conn, func(k *duck.Chunk, i int) error {
		switch v := k.Column(0); {
		case s.width == 0:
			s.texts = append(s.texts, text(k, 0, i))
		case v.Null(i):
			s.numbers = append(s.numbers, 0)
		case c.typ.Kind == types.Real || c.typ.Kind == types.Double:
			s.numbers = append(s.numbers, floatBits(v.Float(i), s.width))
		default:
			s.numbers = append(s.numbers, v.Int(i))
		}
		return nil
	}, fmt.Sprintf("SELECT %s FROM %s LIMIT %d", expr, quoted(rel.resolved(r.session.db.name).Duck), limit))
	if err != nil {
		return "", "", err
	}
	name, size := s.suggested(c.typ, z)
	if name == "raw" {
		return name, "0.00", nil
	}
	return name, strconv.FormatFloat(100-100*float64(size)/float64(s.size()), 'f', 2, 64), nil
}

// floatBits are the bits of a float of the width.
func floatBits(v float64, width int) int64 {
	if width == 4 {
		return int64(math.Float32bits(float32(v)))
	}
	return int64(math.Float64bits(v))
}

// sampleOf says how a column's values are sampled: their width on Redshift, and
// the expression that reads them.
func sampleOf(c column) (*sample, string) {
	name := duck.Ident(c.name)
	switch c.typ.Kind {
	case types.Boolean:
		return &sample{width: 1}, name + "::BIGINT"
	case types.Smallint:
		return &sample{width: 2}, name + "::BIGINT"
	case types.Integer:
		return &sample{width: 4}, name + "::BIGINT"
	case types.Bigint:
		return &sample{width: 8}, name
	case types.Real:
		return &sample{width: 4}, name
	case types.Double:
		return &sample{width: 8}, name
	case types.Date:
		return &sample{width: 4}, "(epoch(" + name + ") / 86400)::BIGINT"
	case types.Timestamp, types.TimestampTZ:
		return &sample{width: 8}, "epoch_us(" + name + ")"
	case types.Time, types.TimeTZ:
		return &sample{width: 8}, "epoch_us(" + name + "::TIME)"
	case types.Decimal:
		width := 8
		if c.typ.Precision > 19 {
			width = 16
		}
		// Digits beyond 64 bits are all different anyway.
		return &sample{width: width}, fmt.Sprintf("(CAST(replace(%s::VARCHAR, '.', '') AS HUGEINT) %% 9223372036854775807)::BIGINT", name)
	case types.Char:
		return &sample{}, fmt.Sprintf("rpad(coalesce(%s, ''), %d, ' ')", name, c.typ.Length)
	case types.Varbyte:
		return &sample{prefix: 4}, "hex(" + name + ")"
	}
	return &sample{prefix: 4}, "coalesce(" + name + "::VARCHAR, '')"
}
