package warehouse

import (
	"fmt"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/rsql"
	"stepwell/internal/rsql/lower"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// refresh executes REFRESH MATERIALIZED VIEW: the view's rows are computed anew.
func (r *running) refresh(t *syntax.RefreshView) (Done, error) {
	rel, err := r.existing(t.Name)
	if err != nil {
		return Done{}, err
	}
	if rel == nil {
		return Done{}, sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", strings.Join(parts(t.Name), "."))
	}
	if rel.kind != "m" {
		return Done{}, sqlerr.New(sqlerr.WrongObjectType, "\"%s\" is not a materialized view", rel.name)
	}
	list, err := rsql.Parse(rel.definition)
	if err != nil || len(list) != 1 {
		return Done{}, fmt.Errorf("cannot read the definition of materialized view %s: %w", rel.name, err)
	}
	options := r.session.compileOptions()
	options.Text = rel.definition
	plan, err := rsql.Compile(list[0].Tree, r.catalog, options)
	if err != nil {
		return Done{}, err
	}
	target := quoted([]string{r.session.db.name, rel.schema, rel.name})
	if _, err := r.session.conn.Exec(r.ctx, "DELETE FROM "+target); err != nil {
		return Done{}, err
	}
	if _, err := r.session.conn.Exec(r.ctx, "INSERT INTO "+target+" "+plan.SQL[len(plan.SQL)-1]); err != nil {
		return Done{}, err
	}
	r.sink.Notice(&sqlerr.Error{Severity: "INFO", Code: "00000", Message: fmt.Sprintf("Materialized view %s was recomputed successfully.", rel.name)})
	return Done{Tag: "REFRESH MATERIALIZED VIEW", Rows: -1}, nil
}

// configure does what SET_CONFIG asks for. A value for the transaction only is
// gone with an implicit transaction at once.
func (s *Session) configure(c lower.Config) error {
	if c.Local && s.state != block {
		return nil
	}
	if c.Local {
		return sqlerr.NotImplemented("set_config for the rest of a transaction block")
	}
	return s.settings.set(c.Name, []string{c.Value})
}

func showColumn(kind string) Column {
	return Column{Name: map[string]string{"table": "Show Table DDL statement", "view": "Show View DDL statement"}[kind], Type: textColumn}
}

// showDefinition executes SHOW TABLE and SHOW VIEW.
func (r *running) showDefinition(t *syntax.Show) (Done, error) {
	rel, err := r.existing(t.Object)
	if err != nil {
		return Done{}, err
	}
	if rel == nil {
		return Done{}, sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", strings.Join(parts(t.Object), "."))
	}
	if isTable := rel.kind == "r"; isTable != (t.Kind == "table") {
		return Done{}, sqlerr.New(sqlerr.WrongObjectType, "\"%s\" is not a %s", rel.name, t.Kind)
	}
	ddl := ""
	if t.Kind == "view" {
		ddl = rel.viewDDL()
	} else {
		constraints, err := r.constraintTexts(rel)
		if err != nil {
			return Done{}, err
		}
		ddl = rel.tableDDL(constraints)
	}
	return Done{Tag: "SHOW", Rows: 1, HasRows: true}, r.session.rowsOf(r.sink, []Column{showColumn(t.Kind)}, [][]string{{ddl}})
}

func (rel *relation) viewDDL() string {
	switch rel.kind {
	case "m":
		return fmt.Sprintf("CREATE MATERIALIZED VIEW %s.%s AS %s;", rel.schema, rel.name, rel.definition)
	case "l":
		return fmt.Sprintf("CREATE VIEW %s.%s AS %s WITH NO SCHEMA BINDING;", rel.schema, rel.name, rel.definition)
	}
	return fmt.Sprintf("CREATE VIEW %s.%s AS %s;", rel.schema, rel.name, rel.definition)
}

// constraintTexts are a table's constraints as CREATE TABLE takes them.
func (r *running) constraintTexts(rel *relation) ([]string, error) {
	var out []string
	from := duck.Ident(r.session.db.name) + "." + metaSchema + "."
	err := eachRow(r.ctx, r.session.conn, func(c *duck.Chunk, i int) error {
		list := func(column int) string { return "(" + strings.ReplaceAll(text(c, column, i), ",", ", ") + ")" }
		switch text(c, 0, i) {
		case "p":
			out = append(out, "PRIMARY KEY "+list(1))
		case "u":
			out = append(out, "UNIQUE "+list(1))
		case "f":
			line := "FOREIGN KEY " + list(1) + " REFERENCES " + text(c, 2, i) + "." + text(c, 3, i)
			if text(c, 4, i) != "" {
				line += list(4)
			}
			out = append(out, line)
		}
		return nil
	}, "SELECT kind, columns, ref_schema, ref_table, ref_columns FROM "+from+"constraints WHERE oid = $1 ORDER BY array_position(['p', 'u', 'f'], kind), name", rel.oid)
	return out, err
}

// effectiveEncoding is the compression that ENCODE AUTO begins with: none for sort
// keys and the types without AZ64 and LZO ("Compression encodings" of the guide).
func (c *column) effectiveEncoding() string {
	switch {
	case c.encoding != "" && c.encoding != "auto":
		return c.encoding
	case c.sortKey != 0:
		return ""
	}
	switch c.typ.Kind {
	case types.Smallint, types.Integer, types.Bigint, types.Decimal, types.Date, types.Timestamp, types.TimestampTZ, types.Time, types.TimeTZ:
		return "az64"
	case types.Char, types.Varchar, types.Varbyte:
		return "lzo"
	}
	return ""
}

// tableDDL is the statement that makes the table again, laid out as SHOW TABLE
// lays it out.
func (rel *relation) tableDDL(constraints []string) string {
	lines := make([]string, len(rel.columns))
	var sort []string
	for i, c := range rel.columns {
		line := "    " + c.name + " " + c.typ.String()
		switch by, isDefault := strings.CutPrefix(c.identity, "default:"); {
		case isDefault:
			line += " GENERATED BY DEFAULT AS IDENTITY(" + by + ")"
		case c.identity != "":
			line += " IDENTITY(" + c.identity + ")"
		case c.dflt != "":
			line += " DEFAULT " + c.dflt
		}
		if c.notNull {
			line += " NOT NULL"
		}
		if e := c.effectiveEncoding(); e != "" {
			line += " ENCODE " + e
		}
		if c.distKey {
			line += " distkey"
		}
		lines[i] = line
	}
	for n := 1; ; n++ {
		found := false
		for _, c := range rel.columns {
			if c.sortKey == n {
				sort, found = append(sort, c.name), true
			}
		}
		if !found {
			break
		}
	}
	for _, text := range constraints {
		lines = append(lines, "    "+text)
	}
	out := fmt.Sprintf("CREATE TABLE %s.%s (\n%s\n)\nDISTSTYLE %s", rel.schema, rel.name, strings.Join(lines, ",\n"), strings.ToUpper(rel.distStyle))
	if len(sort) > 0 {
		style := ""
		if rel.sortStyle != "" {
			style = strings.ToUpper(rel.sortStyle) + " "
		}
		out += fmt.Sprintf("\n%sSORTKEY ( %s )", style, strings.Join(sort, ", "))
	}
	return out + ";"
}
