package warehouse

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/sqlerr"
)

// The kinds of policies, as the metadata and the statements name them.
const (
	rlsPolicy     = "rls policy"
	maskingPolicy = "masking policy"
)

// policyViews are the system views that tell what policies say.
var policyViews = []string{"svv_rls_policy", "svv_rls_attached_policy", "svv_masking_policy", "svv_attached_masking_policy"}

// policy is a row-level security or masking policy of a database.
type policy struct {
	kind, name  string
	columns     []policyColumn
	alias       string
	expressions []string
	// lookups are the relations its expression reads, "schema.name". The policy
	// itself must have been granted SELECT on them.
	lookups []string
}

// policyColumn is a column of WITH, in the form svv_rls_policy shows.
type policyColumn struct {
	Name string `json:"colname"`
	Type string `json:"type"`
}

// attachment is a policy on a relation for a user, a role or PUBLIC.
type attachment struct {
	kind, policy string
	to           holder
	priority     int64
	// inputs and outputs are the columns a masking policy reads and gives.
	inputs, outputs []string
}

// policySet is what a database's metadata says of policies.
type policySet struct {
	policies map[[2]string]*policy // kind, name
	attached map[int64][]attachment
	// rows are the relations with row-level security on, and how their policies
	// are joined: and, or.
	rows map[int64]string
	// depends are the relations each view reads.
	depends map[int64][]int64
}

// empty says that no relation is protected.
func (p *policySet) empty() bool { return len(p.attached) == 0 && len(p.rows) == 0 }

// protects says whether anyone's reads of a relation are changed by policies.
func (p *policySet) protects(oid int64) bool {
	_, on := p.rows[oid]
	return on || slices.ContainsFunc(p.attached[oid], func(a attachment) bool { return a.kind == maskingPolicy })
}

// readPolicies reads the policies as the connection's transaction sees them.
func readPolicies(ctx context.Context, conn *duck.Conn, database string) (*policySet, error) {
	set := &policySet{policies: map[[2]string]*policy{}, attached: map[int64][]attachment{}, rows: map[int64]string{}, depends: map[int64][]int64{}}
	from := duck.Ident(database) + "." + metaSchema + "."
	err := eachRow(ctx, conn, func(c *duck.Chunk, i int) error {
		p := &policy{kind: text(c, 0, i), name: text(c, 1, i), alias: text(c, 3, i)}
		for col, to := range map[int]any{2: &p.columns, 4: &p.expressions, 5: &p.lookups} {
			if err := json.Unmarshal([]byte(text(c, col, i)), to); err != nil {
				return fmt.Errorf("cannot read policy %s: %w", p.name, err)
			}
		}
		set.policies[[2]string{p.kind, p.name}] = p
		return nil
	}, "SELECT kind, name, columns, alias, expressions, lookups FROM "+from+"policies")
	if err != nil || len(set.policies) == 0 {
		if err == nil {
			err = readRowSecurity(ctx, conn, from, set)
		}
		return set, err
	}
	err = eachRow(ctx, conn, func(c *duck.Chunk, i int) error {
		a := attachment{kind: text(c, 1, i), policy: text(c, 2, i), to: holder{text(c, 3, i), text(c, 4, i)}, priority: c.Column(5).Int(i)}
		for col, to := range map[int]any{6: &a.inputs, 7: &a.outputs} {
			if err := json.Unmarshal([]byte(text(c, col, i)), to); err != nil {
				return fmt.Errorf("cannot read an attachment of policy %s: %w", a.policy, err)
			}
		}
		oid := c.Column(0).Int(i)
		set.attached[oid] = append(set.attached[oid], a)
		return nil
	}, "SELECT oid, kind, policy, grantee_kind, grantee, priority, inputs, outputs FROM "+from+"policy_attachments ORDER BY policy")
	if err != nil {
		return nil, err
	}
	return set, readRowSecurity(ctx, conn, from, set)
}

// readRowSecurity completes the set with what views read, which counts only
// where something is protected.
func readRowSecurity(ctx context.Context, conn *duck.Conn, from string, set *policySet) error {
	err := eachRow(ctx, conn, func(c *duck.Chunk, i int) error {
		set.rows[c.Column(0).Int(i)] = text(c, 1, i)
		return nil
	}, "SELECT oid, conjunction FROM "+from+"row_security")
	if err != nil || set.empty() {
		return err
	}
	return eachRow(ctx, conn, func(c *duck.Chunk, i int) error {
		oid := c.Column(0).Int(i)
		set.depends[oid] = append(set.depends[oid], c.Column(1).Int(i))
		return nil
	}, "SELECT oid, on_oid FROM "+from+"depends")
}

// guarded is what policies ask of the user: whom they are attached to, and
// whether row-level security does not count.
type guardedUser struct {
	actor
	ignoresRows bool
}

func (s *Session) guardedUser() guardedUser {
	u := guardedUser{actor: s.actor()}
	u.ignoresRows = u.super || s.record().mayPolice(u.name, "ignore rls")
	return u
}

// mayPolice says whether a user has a privilege on policies: by a role with
// it, or as a security administrator.
func (r *clusterRecord) mayPolice(user, privilege string) bool {
	return r.holders(user)[holder{"role", "sys:secadmin"}] || r.systemPrivilege(user, privilege)
}

var _ resolve.Guard = (*catalog)(nil)

// Policies implements resolve.Guard.
func (c *catalog) Policies(rel *resolve.Relation) (*resolve.Policies, error) {
	own, ok := rel.Handle.(*relation)
	if !ok || own.schema == tempSchema {
		return nil, nil
	}
	set, err := c.setOf(rel)
	if err != nil || !set.policies.protects(own.oid) {
		return nil, err
	}
	who := c.session.guardedUser()
	if who.super {
		return nil, nil
	}
	out := &resolve.Policies{}
	if conjunction, on := set.policies.rows[own.oid]; on && !who.ignoresRows {
		out.Rows, out.Any = true, conjunction == "or"
		if out.Predicates, err = set.predicates(own.oid, who); err != nil {
			return nil, err
		}
	}
	out.Masks = set.masks(own, who)
	if !out.Rows && len(out.Masks) == 0 {
		return nil, nil
	}
	return out, nil
}

// setOf is the metadata of the database a relation is in.
func (c *catalog) setOf(rel *resolve.Relation) (*schemaSet, error) {
	db := c.session.db
	if rel.Database != db.name {
		var err error
		if db, err = c.session.cluster.database(c.ctx, rel.Database); err != nil {
			return nil, err
		}
	}
	return db.schemasFor(c.ctx, c.session)
}

// predicates are the row-level security policies of a relation that hold for a
// user, each once.
func (set *schemaSet) predicates(oid int64, who guardedUser) ([]resolve.Predicate, error) {
	var out []resolve.Predicate
	var names []string
	for _, a := range set.policies.attached[oid] {
		if a.kind != rlsPolicy || !who.holders[a.to] || slices.Contains(names, a.policy) {
			continue
		}
		names = append(names, a.policy)
		p := set.policies.policies[[2]string{rlsPolicy, a.policy}]
		for _, name := range p.lookups {
			schemaName, table, _ := strings.Cut(name, ".")
			r := set.relations[[2]string{schemaName, table}]
			if r != nil && !set.granted(r.oid, holder{rlsPolicy, p.name}) {
				return nil, denied("relation", table)
			}
		}
		out = append(out, resolve.Predicate{Alias: p.alias, Text: p.expressions[0]})
	}
	return out, nil
}

// granted says whether a holder may read a relation.
func (set *schemaSet) granted(oid int64, to holder) bool {
	return slices.ContainsFunc(set.acl[aclKey{"table", oid}], func(e aclEntry) bool {
		return e.privilege == "select" && e.column == "" && (e.to == to || e.to.kind == "public")
	})
}

// masks are the masked columns of a relation for a user: of each column the
// policy with the highest priority.
func (set *schemaSet) masks(rel *relation, who guardedUser) []resolve.Mask {
	var out []resolve.Mask
	for _, col := range rel.columns {
		var best *attachment
		for _, a := range set.policies.attached[rel.oid] {
			if a.kind == maskingPolicy && who.holders[a.to] && slices.Contains(a.outputs, col.name) && (best == nil || a.priority > best.priority) {
				best = &a
			}
		}
		if best == nil {
			continue
		}
		p := set.policies.policies[[2]string{maskingPolicy, best.policy}]
		m := resolve.Mask{Column: col.name, Inputs: map[string]string{}}
		m.Text = "cast((" + p.expressions[slices.Index(best.outputs, col.name)] + ") as " + col.typ.String() + ")"
		for i, c := range p.columns {
			m.Inputs[c.Name] = best.inputs[i]
		}
		out = append(out, m)
	}
	return out
}

// Reads implements resolve.Guard.
func (c *catalog) Reads(view *resolve.Relation) (map[string]*resolve.Relation, error) {
	own, ok := view.Handle.(*relation)
	if !ok {
		return nil, nil
	}
	set, err := c.setOf(view)
	if err != nil || set.policies.empty() || c.session.actor().super {
		return nil, err
	}
	byOID := map[int64]*relation{}
	for _, r := range set.relations {
		byOID[r.oid] = r
	}
	if !slices.ContainsFunc(set.policies.reach(own.oid), set.policies.protects) {
		return nil, nil
	}
	out := map[string]*resolve.Relation{}
	for _, oid := range set.policies.depends[own.oid] {
		r := byOID[oid]
		if r == nil {
			continue
		}
		if out[r.name] != nil {
			return nil, sqlerr.NotImplemented("policies below a view that reads several tables of the same name")
		}
		out[r.name] = r.resolved(view.Database)
	}
	return out, nil
}

// reach are the relations a view reads, directly or through others.
func (p *policySet) reach(oid int64) []int64 {
	var out []int64
	for todo := []int64{oid}; len(todo) > 0; todo = todo[1:] {
		for _, on := range p.depends[todo[0]] {
			if !slices.Contains(out, on) {
				out, todo = append(out, on), append(todo, on)
			}
		}
	}
	return out
}

// permitAppend checks ALTER TABLE APPEND, which takes rows no policy shows.
func (r *running) permitAppend(from *resolve.Relation) error {
	p, err := r.catalog.Policies(from)
	if err == nil && p != nil {
		err = denied("relation", from.Name)
	}
	return err
}

// permitExplain refuses to print a plan that tells of policies.
func (r *running) permitExplain(guarded bool) error {
	c, user := r.session.record(), r.session.user()
	if !guarded || c.mayPolice(user, "explain rls") && c.mayPolice(user, "explain masking") {
		return nil
	}
	return sqlerr.NotImplemented("EXPLAIN of a statement on tables with row-level security or masking policies, without EXPLAIN RLS and EXPLAIN MASKING")
}
