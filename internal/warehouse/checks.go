package warehouse

import (
	"regexp"
	"slices"
	"strings"

	"stepwell/internal/rsql"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// columnNamed finds a column of a relation.
func (rel *relation) columnNamed(name string) (column, bool) {
	i := slices.IndexFunc(rel.columns, func(c column) bool { return c.name == name })
	if i < 0 {
		return column{}, false
	}
	return rel.columns[i], true
}

// checkAttributes checks the distribution and sort keys of a table.
func (rel *relation) checkAttributes(a syntax.TableAttrs) error {
	var keys []syntax.Ident
	if a.DistKey != nil {
		keys = append(keys, *a.DistKey)
	}
	if a.SortKey != nil {
		keys = append(keys, a.SortKey.Columns...)
	}
	for _, id := range keys {
		if _, ok := rel.columnNamed(id.Name); !ok {
			return sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" named in key does not exist", id.Name)
		}
	}
	dist := 0
	for _, c := range rel.columns {
		if c.distKey {
			dist++
		}
		if (c.distKey || c.sortKey != 0) && (c.typ.Kind == types.Super || c.typ.Kind == types.HLLSketch) {
			return sqlerr.New(sqlerr.FeatureNotSupported, "column \"%s\" of type %s cannot be a distribution or sort key", c.name, c.typ.Base())
		}
	}
	if dist > 1 {
		return sqlerr.New("42P16", "multiple distribution keys for table \"%s\" are not allowed", rel.name)
	}
	return nil
}

// checkColumn checks a column's encoding and identity against its type
// ("Compression encodings" and "CREATE TABLE" of the guide).
func checkColumn(c column) error {
	switch name := strings.ToLower(c.encoding); name {
	case "", "raw", "none", "auto":
	case "lzo":
		if c.typ.Kind == types.Boolean || c.typ.Kind == types.Real || c.typ.Kind == types.Double {
			return invalidEncoding(c)
		}
	default:
		if !slices.ContainsFunc(encodingsOf(c.typ), func(e encoded) bool { return e.name == name }) {
			return invalidEncoding(c)
		}
	}
	if c.identity != "" && c.typ.Kind != types.Integer && c.typ.Kind != types.Bigint {
		return sqlerr.New("42P16", "identity column \"%s\" must be of type INT or BIGINT", c.name)
	}
	return nil
}

func invalidEncoding(c column) error {
	return sqlerr.New(sqlerr.InvalidParameterValue, "invalid encoding type specified for column \"%s\"", c.name)
}

// beforeDropColumn refuses to drop a column that views read, or with CASCADE
// drops these. A view reads what its text names, or all with a star.
func (r *running) beforeDropColumn(t *syntax.AlterTable, a *syntax.DropColumn) error {
	rel, err := r.existing(t.Table)
	if err != nil || rel == nil || rel.schema == tempSchema {
		return err
	}
	dependents, err := r.dependents(rel.oid)
	if err != nil {
		return err
	}
	named, err := regexp.Compile(`(?i)\*|(^|\W)` + regexp.QuoteMeta(a.Column.Name) + `(\W|$)`)
	if err != nil {
		return err
	}
	dependents = slices.DeleteFunc(dependents, func(d *relation) bool { return !named.MatchString(d.definition) })
	if len(dependents) == 0 {
		return nil
	}
	if !a.Cascade {
		return sqlerr.New(sqlerr.DependentObjectsStillExist, "cannot drop table %s column %s because other objects depend on it", rel.name, a.Column.Name).
			WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
	}
	for _, d := range dependents {
		if err := r.dropView(d); err != nil {
			return err
		}
	}
	return nil
}

// sameShape refuses a new query of a view that gives other columns. Those of a
// late-binding view are not fixed.
func sameShape(old *relation, t *syntax.CreateView, plan *rsql.Plan) error {
	if old.kind != "v" || t.NoSchemaBinding || plan.Columns == nil {
		return nil
	}
	names := slices.Clone(plan.Columns)
	for i, id := range t.Columns {
		if i < len(names) {
			names[i] = id.Name
		}
	}
	if len(names) != len(old.columns) {
		return sqlerr.New("42P16", "cannot change number of columns in view")
	}
	for i, c := range old.columns {
		if names[i] != c.name {
			return sqlerr.New("42P16", "cannot change name of view column \"%s\"", c.name)
		}
	}
	return nil
}
