package resolve

import "slices"

// Place is a relation's full name.
type Place struct{ Database, Schema, Name string }

// Place is where the relation stands.
func (rel *Relation) Place() Place { return Place{rel.Database, rel.Schema, rel.Name} }

// use notes that a statement reads columns of a relation itself, not through a
// view.
func (r *resolver) use(rel *Relation, columns ...string) {
	if rel == nil || r.views > 0 {
		return
	}
	if r.result.Used == nil {
		r.result.Used = map[Place][]string{}
	}
	at := rel.Place()
	for _, c := range columns {
		if !slices.Contains(r.result.Used[at], c) {
			r.result.Used[at] = append(r.result.Used[at], c)
		}
	}
}

// useAll notes the columns that * stands for.
func (r *resolver) useAll(s *source) {
	for _, c := range s.columns {
		r.use(s.relation, c.Name)
	}
}
