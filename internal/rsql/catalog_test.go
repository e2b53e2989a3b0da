package rsql_test

import (
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// memoryCatalog is a catalog made of the CREATE statements it was given.
type memoryCatalog struct {
	relations map[string]*resolve.Relation
}

func newCatalog() *memoryCatalog {
	return &memoryCatalog{relations: map[string]*resolve.Relation{}}
}

// create notes the relation that a CREATE statement makes.
func (c *memoryCatalog) create(s syntax.Statement) error {
	rel := &resolve.Relation{Database: "dev", Schema: "public"}
	switch s := s.(type) {
	case *syntax.CreateTable:
		rel.Name = strings.ToLower(s.Name.Last().Name)
		for _, d := range s.Columns {
			t, err := types.Parse(d.Type.Name, d.Type.Args, d.Type.Nested)
			if err != nil {
				return err
			}
			col := resolve.Column{Name: strings.ToLower(d.Name.Name), Type: t, NotNull: d.NotNull, HasDefault: d.Default != nil}
			if d.Identity != nil {
				col.Identity = resolve.IdentityAlways
				if d.Identity.ByDefault {
					col.Identity = resolve.IdentityByDefault
				}
			}
			rel.Columns = append(rel.Columns, col)
		}
		rel.Duck = []string{"dev", "public", rel.Name}
	case *syntax.CreateExternalTable:
		rel.Schema, rel.Name, rel.Kind = s.Name.Parts[0].Name, s.Name.Last().Name, resolve.External
		for i, list := range [][]syntax.ExternalColumn{s.Columns, s.PartitionBy} {
			for _, d := range list {
				t, err := types.Parse(d.Type.Name, d.Type.Args, d.Type.Nested)
				if err != nil {
					return err
				}
				rel.Columns = append(rel.Columns, resolve.Column{Name: d.Name.Name, Type: t, Partition: i == 1})
			}
		}
	case *syntax.CreateView:
		rel.Name, rel.Kind, rel.Definition = s.Name.Last().Name, resolve.View, s.Source
		if s.NoSchemaBinding {
			rel.Kind = resolve.LateView
		}
		rel.Duck = []string{"dev", "public", rel.Name}
	default:
		return nil
	}
	c.relations[rel.Name] = rel
	return nil
}

func (c *memoryCatalog) Relation(path []string) (*resolve.Relation, error) {
	rel := c.relations[path[len(path)-1]]
	if rel != nil && len(path) > 1 && rel.Schema != path[len(path)-2] {
		return nil, sqlerr.New(sqlerr.UndefinedSchema, "schema \"%s\" does not exist", path[len(path)-2])
	}
	return rel, nil
}

func (c *memoryCatalog) Target(path []string, temp bool) ([]string, error) {
	if temp {
		return []string{"temp", "main", path[len(path)-1]}, nil
	}
	if len(path) == 1 {
		return []string{"dev", "public", path[0]}, nil
	}
	return append([]string{"dev"}, path[len(path)-2:]...), nil
}

func (c *memoryCatalog) Functions(path []string) ([]*resolve.UserFunction, error) {
	if path[0] != "f_discount" {
		return nil, nil
	}
	amount := syntax.TypeName{Name: "numeric", Args: []string{"8", "2"}}
	return []*resolve.UserFunction{{Args: []syntax.TypeName{amount, {Name: "int"}}, Returns: amount, Body: "select case when $2 > 3 then $1 * 0.5 else $1 end"}}, nil
}

// Scan answers with a call that shows what was asked for.
func (c *memoryCatalog) Scan(s *resolve.Scan) (emit.Table, error) {
	list := &emit.List{}
	for _, col := range s.Columns {
		list.Items = append(list.Items, &emit.Str{Value: col})
	}
	args := []emit.Expr{&emit.Str{Value: s.Relation.Name}, list}
	if s.Filter != nil {
		args = append(args, &emit.Str{Value: strings.Join(s.Filter.Columns, ",")})
	}
	return &emit.TableCall{Call: &emit.Call{Name: "scan", Args: args}}, nil
}
