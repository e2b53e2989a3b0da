package warehouse

import (
	"fmt"
	"slices"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// constraintKinds are the kinds as the metadata has them.
var constraintKinds = map[string]string{"primary key": "p", "unique": "u", "foreign key": "f"}

// insertConstraints records the constraints of CREATE TABLE.
func (r *running) insertConstraints(rel *relation, t *syntax.CreateTable) error {
	for _, c := range t.Columns {
		k := syntax.TableConstraint{Columns: []syntax.Ident{c.Name}, References: c.References}
		switch {
		case c.PrimaryKey:
			k.Kind, k.References = "primary key", nil
		case c.Unique:
			k.Kind, k.References = "unique", nil
		case c.References != nil:
			k.Kind = "foreign key"
		default:
			continue
		}
		if err := r.addConstraint(rel, k); err != nil {
			return err
		}
	}
	for _, k := range t.Constraints {
		if err := r.addConstraint(rel, k); err != nil {
			return err
		}
	}
	return nil
}

// addConstraint records a constraint, which is informational.
func (r *running) addConstraint(rel *relation, k syntax.TableConstraint) error {
	kind := constraintKinds[k.Kind]
	if kind == "" {
		return nil
	}
	columns := identNames(k.Columns)
	for _, name := range columns {
		if !slices.ContainsFunc(rel.columns, func(c column) bool { return c.name == name }) {
			return sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" named in key does not exist", name)
		}
	}
	names, err := r.constraintNames(rel.oid)
	if err != nil {
		return err
	}
	if kind == "p" && slices.ContainsFunc(names, func(n [2]string) bool { return n[1] == "p" }) {
		return sqlerr.New("42P16", "multiple primary keys for table \"%s\" are not allowed", rel.name)
	}
	taken := func(name string) bool {
		return slices.ContainsFunc(names, func(n [2]string) bool { return n[0] == name })
	}
	name := ""
	if k.Name != nil {
		if name = k.Name.Name; taken(name) {
			return sqlerr.New("42710", "constraint \"%s\" for relation \"%s\" already exists", name, rel.name)
		}
	} else {
		// PostgreSQL 8.0 calls a constraint after its first column, and numbers
		// those that would have the same name.
		stem := rel.name + "_" + map[string]string{"p": "pkey", "u": columns[0] + "_key", "f": columns[0] + "_fkey"}[kind]
		name = stem
		for n := 1; taken(name); n++ {
			name = fmt.Sprintf("%s%d", stem, n)
		}
	}
	var refSchema, refTable, refColumns any
	if ref := k.References; ref != nil {
		p := parts(ref.Table)
		refTable, refSchema = p[len(p)-1], rel.schema
		if len(p) > 1 {
			refSchema = p[len(p)-2]
		}
		if refTable != rel.name || refSchema != rel.schema {
			found, err := r.catalog.Relation(p)
			if err != nil {
				return err
			}
			if found == nil {
				return sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", strings.Join(p, "."))
			}
			refSchema, refTable = found.Schema, found.Name
		}
		refColumns = strings.Join(identNames(ref.Columns), ",")
	}
	return r.meta("INSERT INTO stepwell.constraints VALUES ($1, $2, $3, $4, $5, $6, $7)", rel.oid, name, kind, strings.Join(columns, ","), refSchema, refTable, refColumns)
}

// constraintNames are the names and kinds of a table's constraints.
func (r *running) constraintNames(oid int64) (names [][2]string, err error) {
	err = eachRow(r.ctx, r.session.conn, func(c *duck.Chunk, i int) error {
		names = append(names, [2]string{text(c, 0, i), text(c, 1, i)})
		return nil
	}, "SELECT name, kind FROM "+duck.Ident(r.session.db.name)+"."+metaSchema+".constraints WHERE oid = $1", oid)
	return names, err
}

// dropConstraint executes ALTER TABLE ... DROP CONSTRAINT.
func (r *running) dropConstraint(rel *relation, t *syntax.DropConstraint) error {
	names, err := r.constraintNames(rel.oid)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(names, func(n [2]string) bool { return n[0] == t.Name.Name })
	if i < 0 {
		return sqlerr.New(sqlerr.UndefinedObject, "constraint \"%s\" does not exist", t.Name.Name)
	}
	if names[i][1] == "p" {
		const references = " FROM stepwell.constraints WHERE kind = 'f' AND ref_schema = $1 AND ref_table = $2"
		n, err := queryInt(r.ctx, r.session.conn, strings.Replace("SELECT count(*)"+references, "stepwell.", duck.Ident(r.session.db.name)+"."+metaSchema+".", 1), rel.schema, rel.name)
		if err != nil {
			return err
		}
		if n > 0 && !t.Cascade {
			return sqlerr.New(sqlerr.DependentObjectsStillExist, "cannot drop constraint %s on table %s because other objects depend on it", t.Name.Name, rel.name).
				WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
		}
		if n > 0 {
			if err := r.meta("DELETE"+references, rel.schema, rel.name); err != nil {
				return err
			}
		}
	}
	return r.meta("DELETE FROM stepwell.constraints WHERE oid = $1 AND name = $2", rel.oid, t.Name.Name)
}

// renameKeyColumn follows a column's new name into the constraints.
func (r *running) renameKeyColumn(rel *relation, from, to string) error {
	const renamed = "array_to_string(list_transform(string_split(%s, ','), lambda c: CASE c WHEN $2 THEN $3 ELSE c END), ',')"
	err := r.meta("UPDATE stepwell.constraints SET columns = "+fmt.Sprintf(renamed, "columns")+" WHERE oid = $1", rel.oid, from, to)
	if err != nil {
		return err
	}
	return r.meta("UPDATE stepwell.constraints SET ref_columns = "+fmt.Sprintf(renamed, "ref_columns")+" WHERE ref_schema = $1 AND ref_table = $4 AND ref_columns <> ''", rel.schema, from, to, rel.name)
}
