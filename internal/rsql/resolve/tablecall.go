package resolve

import (
	"strings"

	"stepwell/internal/rsql/function"
	"stepwell/internal/rsql/syntax"
)

// tableCall resolves a function in FROM: one whose rows the catalog gives, known
// to it as a relation of pg_catalog called name(argument), or a function of
// expressions.
func (r *resolver) tableCall(t *syntax.TableCall, sc *scope) {
	name := r.Fold(t.Call.Name.Last())
	s := &source{name: name}
	if rel := r.catalogCall(name, t.Call); rel != nil {
		b := &Binding{Relation: rel, Scan: &Scan{Relation: rel}}
		r.result.Calls[t] = b
		s.columns, s.known = rel.Columns, true
	} else {
		r.expr(sc, t.Call)
		if name == "generate_series" {
			if t.Alias != nil {
				name = r.Fold(t.Alias.Name)
			}
			s.columns, s.known = []Column{{Name: name, Type: r.result.TypeOf(t.Call)}}, true
		}
	}
	s.named(r, t.Alias)
	sc.sources = append(sc.sources, s)
}

func (r *resolver) catalogCall(name string, c *syntax.Call) *Relation {
	if f, ok := function.Lookup(name); !ok || f.Kind != function.Relation {
		return nil
	}
	args := make([]string, len(c.Args))
	for i, a := range c.Args {
		text, ok := a.(*syntax.String)
		if !ok {
			return nil
		}
		args[i] = text.Value
	}
	rel, err := r.catalog.Relation([]string{"pg_catalog", name + "(" + strings.Join(args, ",") + ")"})
	if err != nil {
		panic(err)
	}
	return rel
}
