package warehouse

import (
	"maps"
	"strings"

	"stepwell/internal/rsql"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// plans are the compiled statements a session remembers, those of the extended
// protocol with their description: drivers prepare, describe and run each
// statement anew. DuckDB's own prepared statements are not kept: their plans
// leave out what the statistics of the moment rule out, also once rows have come
// that are of it.
type plans struct {
	entries map[planKey]*planned
	order   []planKey // oldest first
}

const (
	plansKept = 64
	// planText is the longest text worth remembering, in bytes.
	planText = 16 << 10
)

// planKey is what was compiled: a statement's text, and the types the client
// declared for its parameters.
type planKey struct{ text, declared string }

// planned is a compiled statement with all that its meaning came from.
type planned struct {
	plan *rsql.Plan

	schemas     *schemaSet
	settings    int64
	user        string
	insensitive bool
	temps       map[string]*relation

	described bool
	params    []types.Type
	columns   []Column
}

func (r *running) planKey() planKey {
	key := planKey{text: r.statement.Text}
	if len(r.declared) > 0 {
		var b strings.Builder
		for _, t := range r.declared {
			b.WriteString(t.String())
			b.WriteByte(';')
		}
		key.declared = b.String()
	}
	return key
}

// planned is the compiled statement from what the session remembers, or compiled
// now; nil as the second result says that it is not remembered. What its user
// may do is looked up every time.
func (r *running) planned() (*rsql.Plan, *planned, error) {
	s := r.session
	if !r.whole || len(r.statement.Text) > planText {
		plan, err := r.compile(r.statement.Tree)
		return plan, nil, err
	}
	key := r.planKey()
	now := planned{settings: s.settings.version, user: s.user(), insensitive: s.collation() == insensitive}
	var err error
	if now.schemas, err = s.db.schemasFor(r.ctx, s); err != nil {
		return nil, nil, err
	}
	if e := s.plans.entries[key]; e != nil && e.holds(&now, s.temps) {
		r.catalog = &catalog{ctx: r.ctx, session: s}
		return e.plan, e, r.admit(e.plan)
	}
	plan, err := r.compile(r.statement.Tree)
	if err != nil || r.catalog.asked || !now.mayKeep(plan, s.db.name) {
		return plan, nil, err
	}
	now.plan, now.temps = plan, maps.Clone(s.temps)
	s.plans.keep(key, &now)
	return plan, &now, nil
}

// holds says whether the statement would be compiled to the same today.
func (p *planned) holds(now *planned, temps map[string]*relation) bool {
	return p.schemas == now.schemas && p.settings == now.settings && p.user == now.user && p.insensitive == now.insensitive && maps.Equal(p.temps, temps)
}

// mayKeep says whether a plan depends on nothing but what planned notes: it reads
// and writes tables of the session's own database, and none of them nor any
// view is protected by policies, which depend on roles.
func (p *planned) mayKeep(plan *rsql.Plan, database string) bool {
	kind := rsql.Write
	switch plan.Statement.(type) {
	case *syntax.Query:
		kind = rsql.Rows
	case *syntax.Insert, *syntax.Update, *syntax.Delete:
	default:
		return false
	}
	if plan.Kind != kind || len(plan.SQL) != 1 || plan.Momentary || plan.Guarded || len(plan.Configs) > 0 || len(plan.Scans) > 0 || !p.schemas.policies.empty() {
		return false
	}
	for _, s := range p.schemas.schemas {
		if s.source != nil {
			return false // tables come and go in the Data Catalog
		}
	}
	for _, list := range [][]*resolve.Relation{plan.Read, plan.Written} {
		for _, rel := range list {
			if own, ok := rel.Handle.(*relation); !ok || own.kind != "r" || rel.Database != database {
				return false
			}
		}
	}
	return true
}

func (p *plans) keep(key planKey, e *planned) {
	if p.entries == nil {
		p.entries = map[planKey]*planned{}
	}
	if p.entries[key] == nil {
		if len(p.order) == plansKept {
			delete(p.entries, p.order[0])
			p.order = append(p.order[:0], p.order[1:]...)
		}
		p.order = append(p.order, key)
	}
	p.entries[key] = e
}
