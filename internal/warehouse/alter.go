package warehouse

import (
	"fmt"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/rsql"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// recordAlter writes the metadata of ALTER TABLE.
func (r *running) recordAlter(t *syntax.AlterTable) error {
	rel, err := r.existing(t.Table)
	if err != nil {
		return err
	}
	if rel == nil {
		return sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", t.Table.Last().Name)
	}
	if rel.schema == tempSchema {
		return r.alterTemp(rel, t.Action)
	}
	switch a := t.Action.(type) {
	case *syntax.AddColumn:
		c, err := r.columnOf(a.Column)
		if err != nil {
			return err
		}
		return r.insertColumn(rel.oid, len(rel.columns)+1, c)
	case *syntax.DropColumn:
		if err := r.meta("DELETE FROM stepwell.constraints WHERE oid = $1 AND list_contains(string_split(columns, ','), $2)", rel.oid, a.Column.Name); err != nil {
			return err
		}
		return r.meta("DELETE FROM stepwell.columns WHERE oid = $1 AND name = $2", rel.oid, a.Column.Name)
	case *syntax.RenameColumn:
		if err := r.renameKeyColumn(rel, a.Column.Name, a.To.Name); err != nil {
			return err
		}
		return r.meta("UPDATE stepwell.columns SET name = $3 WHERE oid = $1 AND name = $2", rel.oid, a.Column.Name, a.To.Name)
	case *syntax.RenameTable:
		if err := r.meta("UPDATE stepwell.constraints SET ref_table = $3 WHERE ref_schema = $1 AND ref_table = $2", rel.schema, rel.name, a.To.Name); err != nil {
			return err
		}
		return r.meta("UPDATE stepwell.relations SET name = $2 WHERE oid = $1", rel.oid, a.To.Name)
	case *syntax.OwnerTo:
		return r.give("relations", rel.oid, a.Owner.Name)
	case *syntax.AlterColumnType:
		typ, err := types.Parse(a.Type.Name, a.Type.Args, a.Type.Nested)
		if err != nil {
			return err
		}
		return r.meta("UPDATE stepwell.columns SET type = $3 WHERE oid = $1 AND name = $2", rel.oid, a.Column.Name, typ.String())
	case *syntax.AlterColumnEncode:
		for i, c := range a.Columns {
			old, ok := rel.columnNamed(c.Name)
			if old.encoding = a.Encodings[i]; !ok {
				return sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", c.Name, rel.name)
			}
			if err := checkColumn(old); err != nil {
				return err
			}
			if err := r.meta("UPDATE stepwell.columns SET encoding = $3 WHERE oid = $1 AND name = $2", rel.oid, c.Name, a.Encodings[i]); err != nil {
				return err
			}
		}
		return nil
	case *syntax.AlterAttrs:
		return r.alterAttributes(rel, a.Attrs)
	case *syntax.AddConstraint:
		return r.addConstraint(rel, a.Constraint)
	case *syntax.DropConstraint:
		return r.dropConstraint(rel, a)
	case *syntax.AlterAppend:
		return nil
	}
	return nil
}

func (r *running) alterAttributes(rel *relation, attrs syntax.TableAttrs) error {
	changed := *rel
	changed.columns = append([]column(nil), rel.columns...)
	changed.attributes(attrs)
	if err := changed.checkAttributes(attrs); err != nil {
		return err
	}
	if err := r.meta("UPDATE stepwell.relations SET diststyle = $2, sortstyle = $3 WHERE oid = $1", rel.oid, changed.distStyle, changed.sortStyle); err != nil {
		return err
	}
	for _, c := range changed.columns {
		if err := r.meta("UPDATE stepwell.columns SET distkey = $3, sortkey = $4 WHERE oid = $1 AND name = $2", rel.oid, c.name, c.distKey, c.sortKey); err != nil {
			return err
		}
	}
	return nil
}

// alterTemp records the change of a temporary table: its columns are read
// again from DuckDB, keeping the declared types of those that stay.
func (r *running) alterTemp(rel *relation, action syntax.AlterAction) error {
	changed := *rel
	if a, ok := action.(*syntax.RenameTable); ok {
		delete(r.session.temps, rel.name)
		changed.name = a.To.Name
		r.session.temps[changed.name] = &changed
		return nil
	}
	fresh, err := r.duckColumns(place{tempSchema, rel.name, true}, &rsql.Plan{})
	if err != nil {
		return err
	}
	for i, c := range fresh {
		for _, old := range rel.columns {
			if old.name == c.name {
				fresh[i] = old
			}
		}
	}
	changed.columns = fresh
	r.session.temps[rel.name] = &changed
	return r.describeTemp(&changed)
}

func (r *running) recordAlterView(t *syntax.AlterView) error {
	rel, err := r.existing(t.Name)
	if err != nil || rel == nil {
		return err
	}
	switch {
	case t.RenameTo != nil:
		return r.meta("UPDATE stepwell.relations SET name = $2 WHERE oid = $1", rel.oid, t.RenameTo.Name)
	case t.OwnerTo != nil:
		return r.give("relations", rel.oid, t.OwnerTo.Name)
	}
	return nil
}

func (r *running) recordComment(t *syntax.Comment) error {
	var text any
	if t.Text != nil {
		text = *t.Text
	}
	name := t.Name
	if t.Kind == "column" && len(name.Parts) > 1 {
		column := name.Last().Name
		name.Parts = name.Parts[:len(name.Parts)-1]
		rel, err := r.existing(name)
		if err != nil {
			return err
		}
		if rel == nil {
			return sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", strings.Join(parts(name), "."))
		}
		if _, ok := rel.columnNamed(column); !ok {
			return sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", column, rel.name)
		}
		return r.meta("UPDATE stepwell.columns SET comment = $3 WHERE oid = $1 AND name = $2", rel.oid, column, text)
	}
	switch t.Kind {
	case "table", "view", "materialized view":
	default:
		return nil // kept nowhere
	}
	rel, err := r.existing(name)
	if err != nil {
		return err
	}
	if rel == nil {
		return sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", strings.Join(parts(name), "."))
	}
	return r.meta("UPDATE stepwell.relations SET comment = $2 WHERE oid = $1", rel.oid, text)
}

// beforeDrop refuses to drop what others depend on, or with CASCADE drops the
// views that do.
func (r *running) beforeDrop(t *syntax.Drop) error {
	for _, name := range t.Names {
		if t.Kind == "schema" {
			if err := r.beforeDropSchema(name.Last().Name, t.Cascade); err != nil {
				return err
			}
			continue
		}
		rel, err := r.existing(name)
		if err != nil {
			return err
		}
		if rel == nil {
			continue
		}
		if err := r.dropDependents(rel, t.Kind, t.Cascade); err != nil {
			return err
		}
	}
	return nil
}

func (r *running) dropDependents(rel *relation, kind string, cascade bool) error {
	dependents, err := r.dependents(rel.oid)
	if err != nil {
		return err
	}
	if len(dependents) > 0 && !cascade {
		return sqlerr.New(sqlerr.DependentObjectsStillExist, "cannot drop %s %s because other objects depend on it", kind, rel.name).
			WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
	}
	for _, d := range dependents {
		if err := r.dropView(d); err != nil {
			return err
		}
	}
	return nil
}

// dropView drops a view, and with it those that read it.
func (r *running) dropView(d *relation) error {
	if err := r.dropDependents(d, "view", true); err != nil {
		return err
	}
	word := "VIEW"
	if d.kind == "m" {
		word = "TABLE"
	}
	sql := fmt.Sprintf("DROP %s IF EXISTS %s.%s.%s", word, duck.Ident(r.session.db.name), duck.Ident(d.schema), duck.Ident(d.name))
	if _, err := r.session.conn.Exec(r.ctx, sql); err != nil {
		return err
	}
	return r.forget(d.oid)
}

func (r *running) dependents(oid int64) ([]*relation, error) {
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return nil, err
	}
	byOID := map[int64]*relation{}
	for _, rel := range set.relations {
		byOID[rel.oid] = rel
	}
	var out []*relation
	err = eachRow(r.ctx, r.session.conn, func(c *duck.Chunk, row int) error {
		if rel := byOID[c.Column(0).Int(row)]; rel != nil {
			out = append(out, rel)
		}
		return nil
	}, "SELECT DISTINCT oid FROM stepwell.depends WHERE on_oid = $1", oid)
	return out, err
}

func (r *running) beforeDropSchema(name string, cascade bool) error {
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return err
	}
	if cascade {
		return nil
	}
	for key := range set.relations {
		if key[0] == name {
			return sqlerr.New(sqlerr.DependentObjectsStillExist, "cannot drop schema %s because other objects depend on it", name).
				WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
		}
	}
	return r.noProcedures(name)
}

// recordDrop removes the metadata of what was dropped.
func (r *running) recordDrop(t *syntax.Drop) error {
	for _, name := range t.Names {
		switch t.Kind {
		case "table", "view", "materialized view":
			rel, err := r.existing(name)
			if err != nil {
				return err
			}
			if rel == nil {
				continue
			}
			if rel.schema == tempSchema {
				delete(r.session.temps, rel.name)
				continue
			}
			if err := r.forget(rel.oid); err != nil {
				return err
			}
		case "schema":
			if err := r.forgetSchema(name.Last().Name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *running) forgetSchema(name string) error {
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return err
	}
	for key, rel := range set.relations {
		if strings.EqualFold(key[0], name) {
			if err := r.forget(rel.oid); err != nil {
				return err
			}
		}
	}
	for _, sql := range []string{
		"acl WHERE kind = 'function' AND oid IN (SELECT oid FROM stepwell.procedures WHERE schema = $1)",
		"acl WHERE kind = 'schema' AND oid IN (SELECT oid FROM stepwell.schemas WHERE name = $1)",
		"default_acl WHERE schema = $1", "procedures WHERE schema = $1", "functions WHERE schema = $1", "schemas WHERE name = $1",
	} {
		if err := r.meta("DELETE FROM stepwell."+sql, name); err != nil {
			return err
		}
	}
	return nil
}
