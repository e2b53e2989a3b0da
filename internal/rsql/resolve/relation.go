package resolve

import (
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// bindRelation finds the relation a name in FROM stands for, and what is read in
// its place: the files of an external table, the definition of a view, or what
// policies leave of it.
func (r *resolver) bindRelation(t *syntax.TableName, b *Binding, s *source) {
	rel := r.open[t]
	open := rel != nil
	if rel == nil && len(t.Name.Parts) == 1 {
		rel = r.reads[r.Fold(t.Name.Parts[0])]
	}
	if rel == nil {
		rel = r.relation(t.Name)
	}
	b.Relation = rel
	s.relation, s.columns = rel, rel.Columns
	s.known = len(rel.Columns) > 0 && rel.Kind != System
	if r.views == 0 { // what a late-binding view reads is its owner's matter
		r.result.Read = appendOnce(r.result.Read, rel)
	}
	if !open {
		if b.View = r.guarded(rel); b.View != nil {
			r.guardedColumns(b.View, s)
			return
		}
	}
	if open && rel.Kind != View && rel.Kind != LateView {
		r.bindOpen(rel, s)
	}
	if reads := r.expansion(rel); reads != nil {
		outside := r.reads
		r.reads = reads
		r.view(t, b, s, rel)
		r.reads = outside
		return
	}
	switch rel.Kind {
	case External:
		b.Scan = &Scan{Relation: rel}
		r.result.Scans = append(r.result.Scans, b.Scan)
	case LateView:
		outside := r.reads
		r.reads = nil
		r.view(t, b, s, rel)
		r.reads = outside
	}
}

// guardedColumns completes the columns of a late-binding view with policies.
func (r *resolver) guardedColumns(q *syntax.Query, s *source) {
	if columns, known := r.result.Outputs[q]; known && !s.known {
		s.columns, s.known = columns, true
	}
}

// view parses and resolves the definition of a late-binding view.
func (r *resolver) view(t *syntax.TableName, b *Binding, s *source, rel *Relation) {
	if r.views++; r.views > maxViews {
		r.views = 0
		r.fail(t, sqlerr.ProgramLimitExceeded, "view nesting is too deep: %s", rel.Name)
	}
	list, err := syntax.Parse(rel.Definition)
	if err != nil || len(list) != 1 {
		r.fail(nil, sqlerr.InternalError, "cannot read the definition of view %s: %v", rel.Name, err)
	}
	q, ok := list[0].Statement.(*syntax.Query)
	if !ok {
		r.fail(nil, sqlerr.InternalError, "cannot read the definition of view %s: it is not a query", rel.Name)
	}
	b.View = q
	columns, known := r.query(q, nil)
	if len(rel.Columns) == 0 {
		s.columns, s.known = columns, known
	}
	r.views--
}
