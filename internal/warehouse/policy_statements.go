package warehouse

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/rsql"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

func policyKind(masking bool) string {
	if masking {
		return maskingPolicy
	}
	return rlsPolicy
}

// noun is what errors call a policy.
func policyNoun(kind string) string {
	if kind == rlsPolicy {
		return "RLS policy"
	}
	return "masking policy"
}

// permitPolicies checks that the user may manage policies: superusers and
// security administrators may ("RLS policy ownership and management").
func (r *running) permitPolicies() error {
	who := r.session.actor()
	if who.super || r.session.record().mayPolice(who.name, "") {
		return nil
	}
	return sqlerr.New(sqlerr.InsufficientPrivilege, "must be superuser or have the sys:secadmin role to manage policies")
}

// policyNamed finds a policy, nil if there is none.
func (r *running) policyNamed(kind string, name syntax.Name) (*policy, error) {
	if len(name.Parts) > 1 {
		return nil, sqlerr.NotImplemented("policies of another database than the session's")
	}
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return nil, err
	}
	return set.policies.policies[[2]string{kind, name.Last().Name}], nil
}

func (r *running) neededPolicy(kind string, name syntax.Name) (*policy, error) {
	p, err := r.policyNamed(kind, name)
	if err == nil && p == nil {
		err = sqlerr.New(sqlerr.UndefinedObject, "%s \"%s\" does not exist", policyNoun(kind), name.Last().Name)
	}
	return p, err
}

// policy executes CREATE and ALTER of a policy.
func (r *running) policy(t *syntax.Policy) (Done, error) {
	kind := policyKind(t.Masking)
	done := Done{Tag: "CREATE " + strings.ToUpper(kind), Rows: -1}
	if t.Alter {
		done.Tag = "ALTER " + strings.ToUpper(kind)
	}
	if err := r.permitPolicies(); err != nil {
		return done, err
	}
	old, err := r.policyNamed(kind, t.Name)
	if err != nil {
		return done, err
	}
	p := &policy{kind: kind, name: t.Name.Last().Name}
	switch {
	case t.Alter && old == nil:
		return done, sqlerr.New(sqlerr.UndefinedObject, "%s \"%s\" does not exist", policyNoun(kind), p.name)
	case t.Alter:
		p.columns, p.alias = old.columns, old.alias
		if len(t.Using) != len(old.expressions) {
			return done, sqlerr.New(sqlerr.InvalidParameterValue, "masking policy \"%s\" has %d expressions", p.name, len(old.expressions))
		}
	case old != nil && t.IfNotExists:
		return done, nil
	case old != nil:
		return done, sqlerr.New(sqlerr.DuplicateObject, "%s \"%s\" already exists", policyNoun(kind), p.name)
	default:
		if err := p.declare(t); err != nil {
			return done, err
		}
	}
	if err := r.checkPolicy(p, t.Using); err != nil {
		return done, err
	}
	columns, _ := json.Marshal(p.columns)
	expressions, _ := json.Marshal(p.expressions)
	lookups, _ := json.Marshal(p.lookups)
	if err := r.meta("DELETE FROM stepwell.policies WHERE kind = $1 AND name = $2", kind, p.name); err != nil {
		return done, err
	}
	return done, r.meta("INSERT INTO stepwell.policies VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		kind, p.name, string(columns), p.alias, string(expressions), string(lookups), r.session.user(), r.session.cluster.w.clock.Now())
}

// declare takes over the columns and the alias of CREATE.
func (p *policy) declare(t *syntax.Policy) error {
	p.columns = []policyColumn{}
	for _, c := range t.Columns {
		typ, err := types.Parse(c.Type.Name, c.Type.Args, c.Type.Nested)
		if err != nil {
			return err
		}
		p.columns = append(p.columns, policyColumn{c.Name.Name, typ.String()})
	}
	if t.Alias != nil {
		p.alias = t.Alias.Name
	}
	return nil
}

// checkPolicy compiles the expressions over the policy's own columns, and
// writes them down with the schemas of all they name: whose search path is
// used later must not matter.
func (r *running) checkPolicy(p *policy, using []syntax.Expr) error {
	over, err := p.query(using)
	if err != nil {
		return err
	}
	found, err := resolve.Statement(over, r.catalog, resolve.Options{})
	if err != nil {
		return err
	}
	if found.Params > 0 {
		return sqlerr.New(sqlerr.SyntaxError, "a policy cannot have parameters")
	}
	if p.lookups = []string{}; len(found.Read) > 0 && p.kind == maskingPolicy {
		return sqlerr.NotImplemented("subqueries in masking policies")
	}
	for name, b := range found.Tables {
		if b.CTE || b.Unnest {
			continue
		}
		own, ok := b.Relation.Handle.(*relation)
		if !ok || own.schema == tempSchema || b.Relation.Database != r.session.db.name {
			return sqlerr.NotImplemented("policies that read system, external or temporary tables, or those of another database")
		}
		name.Name.Parts = []syntax.Ident{{Name: own.schema, Quoted: true}, {Name: own.name, Quoted: true}}
		if place := own.schema + "." + own.name; !slices.Contains(p.lookups, place) {
			p.lookups = append(p.lookups, place)
		}
	}
	slices.Sort(p.lookups)
	for call := range found.Inlined {
		if len(call.Name.Parts) == 1 {
			list, err := r.catalog.functions([]string{call.Name.Last().Name})
			if err != nil || len(list) == 0 {
				return err
			}
			call.Name.Parts = append([]syntax.Ident{{Name: list[0].schema, Quoted: true}}, call.Name.Parts...)
		}
	}
	for _, x := range using {
		if t := found.TypeOf(x); p.kind == rlsPolicy && t.Kind != types.Boolean && t.Kind != types.Unknown {
			return sqlerr.New(sqlerr.DatatypeMismatch, "argument of RLS policy must be type boolean, not type %s", t.Base())
		}
		p.expressions = append(p.expressions, syntax.Print(x))
	}
	options := r.session.compileOptions()
	settings := options.Settings
	options.Settings = func(name string) (string, bool) { // readers set their context variables later
		v, ok := settings(name)
		return v, ok || strings.Contains(name, ".")
	}
	_, err = rsql.Compile(over, r.catalog, options)
	return err
}

// query reads the expressions from one row of the policy's columns.
func (p *policy) query(using []syntax.Expr) (*syntax.Query, error) {
	s := &syntax.Select{}
	for _, x := range using {
		s.Items = append(s.Items, syntax.SelectItem{Expr: x})
	}
	if len(p.columns) == 0 {
		return &syntax.Query{Body: s}, nil
	}
	row := &syntax.Select{}
	for _, c := range p.columns {
		x, err := resolve.PolicyExpr("cast(null as " + c.Type + ")")
		if err != nil {
			return nil, err
		}
		row.Items = append(row.Items, syntax.SelectItem{Expr: x, Alias: &syntax.Ident{Name: c.Name}})
	}
	alias := p.alias
	if alias == "" {
		alias = "policy's relation"
	}
	s.From = []syntax.TableExpr{&syntax.TableQuery{Query: &syntax.Query{Body: row}, Alias: &syntax.Alias{Name: syntax.Ident{Name: alias}}}}
	return &syntax.Query{Body: s}, nil
}

// dropPolicies executes DROP RLS POLICY and DROP MASKING POLICY.
func (r *running) dropPolicies(t *syntax.Drop) error {
	if err := r.permitPolicies(); err != nil {
		return err
	}
	for _, name := range t.Names {
		p, err := r.policyNamed(t.Kind, name)
		if err == nil && p == nil && t.IfExists {
			continue
		}
		if err == nil {
			p, err = r.neededPolicy(t.Kind, name)
		}
		if err != nil {
			return err
		}
		set, err := r.session.db.schemasFor(r.ctx, r.session)
		if err != nil {
			return err
		}
		for _, list := range set.policies.attached {
			if slices.ContainsFunc(list, func(a attachment) bool { return a.kind == p.kind && a.policy == p.name }) && !t.Cascade {
				return sqlerr.New(sqlerr.DependentObjectsStillExist, "cannot drop %s %s because other objects depend on it", policyNoun(p.kind), p.name).
					WithHint("Use DETACH to detach the policy from the relations it is attached to first.")
			}
		}
		for _, table := range []string{"policies WHERE kind = $1 AND name = $2", "policy_attachments WHERE kind = $1 AND policy = $2", "acl WHERE grantee_kind = $1 AND grantee = $2"} {
			if err := r.meta("DELETE FROM stepwell."+table, p.kind, p.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// guardable finds a relation that policies can be attached to.
func (r *running) guardable(name syntax.Name) (*relation, error) {
	found, err := r.catalog.Relation(parts(name))
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", strings.Join(parts(name), "."))
	}
	own, ok := found.Handle.(*relation)
	if !ok || own.schema == tempSchema || found.Database != r.session.db.name {
		return nil, sqlerr.NotImplemented("policies on system, external or temporary tables, or those of another database")
	}
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return nil, err
	}
	return own, r.noMaterialized(set, own)
}

// noMaterialized refuses to protect what a materialized view has copied.
func (r *running) noMaterialized(set *schemaSet, rel *relation) error {
	todo, seen := []int64{rel.oid}, map[int64]bool{}
	for ; len(todo) > 0; todo = todo[1:] {
		if seen[todo[0]] {
			continue
		}
		seen[todo[0]] = true
		list, err := r.dependents(todo[0])
		if err != nil {
			return err
		}
		for _, d := range list {
			if d.kind == "m" {
				return sqlerr.NotImplemented("policies on a relation that materialized view " + d.name + " reads")
			}
			todo = append(todo, d.oid)
		}
	}
	return nil
}

// attach executes ATTACH and DETACH.
func (r *running) attach(t *syntax.AttachPolicy) (Done, error) {
	kind := policyKind(t.Masking)
	done := Done{Tag: "ATTACH " + strings.ToUpper(kind), Rows: -1}
	if t.Detach {
		done.Tag = "DETACH " + strings.ToUpper(kind)
	}
	if err := r.permitPolicies(); err != nil {
		return done, err
	}
	p, err := r.neededPolicy(kind, t.Policy)
	if err != nil {
		return done, err
	}
	for _, to := range t.To {
		if to.Kind != "user" && to.Kind != "role" && to.Kind != "public" {
			return done, sqlerr.NotImplemented(done.Tag + " TO " + strings.ToUpper(to.Kind))
		}
	}
	if err := r.knownGrantees(t.To); err != nil {
		return done, err
	}
	for _, name := range t.Tables {
		rel, err := r.guardable(name)
		if err != nil {
			return done, err
		}
		for _, to := range t.To {
			if t.Detach {
				err = r.detachOne(p, rel, holderOf(to), t)
			} else {
				err = r.attachOne(p, rel, holderOf(to), t)
			}
			if err != nil {
				return done, err
			}
		}
	}
	return done, nil
}

func (r *running) detachOne(p *policy, rel *relation, to holder, t *syntax.AttachPolicy) error {
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return err
	}
	outputs := identNames(t.Columns)
	if !slices.ContainsFunc(set.policies.attached[rel.oid], func(a attachment) bool {
		return a.kind == p.kind && a.policy == p.name && a.to == to && (len(outputs) == 0 || slices.Equal(a.outputs, outputs))
	}) {
		return sqlerr.New(sqlerr.UndefinedObject, "%s \"%s\" is not attached to relation \"%s\" for %s", policyNoun(p.kind), p.name, rel.name, strings.TrimSpace(to.kind+" "+to.name))
	}
	list, _ := json.Marshal(outputs)
	return r.meta("DELETE FROM stepwell.policy_attachments WHERE oid = $1 AND kind = $2 AND policy = $3 AND grantee_kind = $4 AND grantee = $5 AND (kind = 'rls policy' OR outputs = $6)",
		rel.oid, p.kind, p.name, to.kind, to.name, string(list))
}

func (r *running) attachOne(p *policy, rel *relation, to holder, t *syntax.AttachPolicy) error {
	a := attachment{kind: p.kind, policy: p.name, to: to, inputs: identNames(t.Using), outputs: identNames(t.Columns)}
	if t.Using == nil {
		a.inputs = a.outputs
	}
	if t.Priority != "" {
		n, err := strconv.ParseInt(t.Priority, 10, 32)
		if err != nil {
			return sqlerr.New(sqlerr.InvalidParameterValue, "invalid priority %s", t.Priority)
		}
		a.priority = n
	}
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return err
	}
	if p.kind == rlsPolicy {
		for _, c := range p.columns {
			a.inputs = append(a.inputs, c.Name)
		}
	}
	if err := p.fits(rel, a); err != nil {
		return err
	}
	if err := set.policies.free(rel, a); err != nil {
		return err
	}
	inputs, _ := json.Marshal(a.inputs)
	outputs, _ := json.Marshal(a.outputs)
	return r.meta("INSERT INTO stepwell.policy_attachments VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		rel.oid, a.kind, a.policy, to.kind, to.name, r.session.user(), a.priority, string(inputs), string(outputs))
}

// fits checks that a relation has the columns a policy speaks of.
func (p *policy) fits(rel *relation, a attachment) error {
	if rel.kind == "l" && p.kind == maskingPolicy {
		return sqlerr.NotImplemented("masking policies on late-binding views")
	}
	if len(a.inputs) != len(p.columns) {
		return sqlerr.New(sqlerr.InvalidParameterValue, "policy \"%s\" expects %d input columns, %d were given", p.name, len(p.columns), len(a.inputs))
	}
	if p.kind == maskingPolicy && len(a.outputs) != len(p.expressions) {
		return sqlerr.New(sqlerr.InvalidParameterValue, "policy \"%s\" gives %d columns, %d were given", p.name, len(p.expressions), len(a.outputs))
	}
	if rel.kind == "l" {
		return nil // its columns are known when it is read
	}
	at := func(name string) int {
		return slices.IndexFunc(rel.columns, func(c column) bool { return c.name == name })
	}
	for _, name := range a.outputs {
		if at(name) < 0 {
			return sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" does not exist in relation \"%s\"", name, rel.name)
		}
	}
	for i, name := range a.inputs {
		n := at(name)
		if n < 0 {
			return sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" does not exist in relation \"%s\"", name, rel.name)
		}
		want, err := parseType(p.columns[i].Type)
		if err != nil {
			return err
		}
		if have := rel.columns[n].typ; have.Kind != want.Kind && !(have.IsText() && want.IsText()) {
			return sqlerr.New(sqlerr.DatatypeMismatch, "column \"%s\" of relation \"%s\" has type %s, policy \"%s\" expects %s", name, rel.name, have.Base(), p.name, want.Base())
		}
	}
	return nil
}

// free checks that no other attachment stands in the way ("Dynamic data masking
// policy hierarchy").
func (s *policySet) free(rel *relation, a attachment) error {
	for _, old := range s.attached[rel.oid] {
		switch {
		case old.kind != a.kind:
		case a.kind == rlsPolicy && old.policy == a.policy && old.to == a.to:
			return sqlerr.New(sqlerr.DuplicateObject, "RLS policy \"%s\" is already attached to relation \"%s\"", a.policy, rel.name)
		case a.kind == maskingPolicy:
			for _, c := range a.outputs {
				if !slices.Contains(old.outputs, c) {
					continue
				}
				if old.to == a.to {
					return sqlerr.New(sqlerr.DuplicateObject, "a masking policy is already attached to column \"%s\" of relation \"%s\" for the same user or role", c, rel.name)
				}
				if old.priority == a.priority {
					return sqlerr.New(sqlerr.DuplicateObject, "a masking policy with priority %d is already attached to column \"%s\" of relation \"%s\"", a.priority, c, rel.name)
				}
			}
		}
	}
	return nil
}

// rowSecurity executes ALTER TABLE ... ROW LEVEL SECURITY.
func (r *running) rowSecurity(t *syntax.AlterTable, a *syntax.AlterRowSecurity) (Done, error) {
	done := Done{Tag: "ALTER TABLE", Rows: -1}
	if a.Datashares {
		return done, sqlerr.NotImplemented("ROW LEVEL SECURITY FOR DATASHARES")
	}
	if err := r.permitPolicies(); err != nil {
		return done, err
	}
	rel, err := r.guardable(t.Table)
	if err != nil {
		return done, err
	}
	if err := r.meta("DELETE FROM stepwell.row_security WHERE oid = $1", rel.oid); err != nil || !a.On {
		return done, err
	}
	conjunction := a.Conjunction
	if conjunction == "" {
		conjunction = "and"
	}
	return done, r.meta("INSERT INTO stepwell.row_security VALUES ($1, $2)", rel.oid, conjunction)
}

// keepGuarded refuses changes of columns that policies go by.
func (r *running) keepGuarded(t *syntax.AlterTable) error {
	var name string
	switch a := t.Action.(type) {
	case *syntax.DropColumn:
		name = a.Column.Name
	case *syntax.RenameColumn:
		name = a.Column.Name
	case *syntax.AlterColumnType:
		name = a.Column.Name
	case *syntax.AlterAppend:
		from, err := r.catalog.Relation(parts(a.From))
		if err != nil || from == nil {
			return err
		}
		return r.permitAppend(from)
	default:
		return nil
	}
	rel, err := r.existing(t.Table)
	if err != nil || rel == nil {
		return nil // the statement itself reports it better
	}
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(set.policies.attached[rel.oid], func(a attachment) bool {
		return slices.Contains(a.inputs, name) || slices.Contains(a.outputs, name)
	}) {
		return sqlerr.New(sqlerr.DependentObjectsStillExist, "cannot alter column \"%s\" of relation \"%s\" because a policy depends on it", name, rel.name).
			WithHint("Detach the policy first.")
	}
	return nil
}

// unguarded checks that a view with its own rows, or one of another database's
// tables, copies nothing that policies protect.
func (r *running) unguarded(t *syntax.CreateView, plan *rsql.Plan) error {
	if plan.Guarded && t.Materialized {
		return sqlerr.NotImplemented("materialized views on relations with row-level security or masking policies")
	}
	for _, rel := range plan.Read {
		own, ok := rel.Handle.(*relation)
		if !ok || t.NoSchemaBinding {
			continue
		}
		if rel.Database != r.session.db.name && !t.Materialized {
			return sqlerr.NotImplemented("a view with schema binding on tables of another database")
		}
		set, err := r.catalog.setOf(rel)
		if err != nil {
			return err
		}
		if t.Materialized && slices.ContainsFunc(append(set.policies.reach(own.oid), own.oid), set.policies.protects) {
			return sqlerr.NotImplemented("materialized views on relations with row-level security or masking policies")
		}
	}
	return nil
}
