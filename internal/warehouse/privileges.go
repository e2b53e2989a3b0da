package warehouse

import (
	"context"
	"slices"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/rsql"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// aclEntry is one privilege on one object.
type aclEntry struct {
	column, privilege string
	to                holder
	option            bool // it may be granted on
}

// aclKey names the object: kind is table, schema, function or database.
type aclKey struct {
	kind string
	oid  int64
}

// readACL reads the privileges as the connection's transaction sees them.
func readACL(ctx context.Context, conn *duck.Conn, database string) (map[aclKey][]aclEntry, error) {
	out := map[aclKey][]aclEntry{}
	err := eachRow(ctx, conn, func(c *duck.Chunk, i int) error {
		key := aclKey{text(c, 1, i), c.Column(0).Int(i)}
		out[key] = append(out[key], aclEntry{text(c, 2, i), text(c, 3, i), holder{text(c, 4, i), text(c, 5, i)}, c.Column(6).Bool(i)})
		return nil
	}, "SELECT oid, kind, column_name, privilege, grantee_kind, grantee, grant_option FROM "+duck.Ident(database)+"."+metaSchema+".acl")
	return out, err
}

// actor is the user a statement is run as, with what it holds.
type actor struct {
	name    string
	super   bool
	holders map[holder]bool
	record  *clusterRecord
}

// may says whether the actor has a system privilege, "drop table" say, through
// a role ("System permissions for RBAC").
func (a actor) may(privilege string) bool {
	return a.super || a.record.systemPrivilege(a.name, privilege)
}

// user is the name privileges are checked for: the owner of a SECURITY DEFINER
// procedure under way, what SET SESSION AUTHORIZATION said, or who logged in.
func (s *Session) user() string {
	switch {
	case s.runAs != "":
		return s.runAs
	case s.authorization != "":
		return s.authorization
	}
	return s.identity.User
}

// actor finds the user in the cluster's record. One that is no longer there has
// what PUBLIC has.
func (s *Session) actor() actor { return s.record().actor(s.user()) }

func (record *clusterRecord) actor(name string) actor {
	if record.Users[name].Superuser {
		return actor{name: name, super: true, record: record}
	}
	holders := record.holders(name)
	return actor{name: name, super: holders[holder{"role", "sys:superuser"}], holders: holders, record: record}
}

// has says whether the actor holds a privilege on an object: on all of it, or
// with columns given on each of them.
func (a actor) has(set *schemaSet, key aclKey, owner, privilege string, columns []string) bool {
	if a.super || a.name == owner {
		return true
	}
	left := slices.Clone(columns)
	for _, e := range set.acl[key] {
		if e.privilege != privilege || !a.holders[e.to] {
			continue
		}
		if e.column == "" {
			return true
		}
		left = slices.DeleteFunc(left, func(c string) bool { return c == e.column })
	}
	return len(columns) > 0 && len(left) == 0
}

func denied(kind, name string) error {
	return sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied for %s %s", kind, name)
}

func notOwner(kind, name string) error {
	return sqlerr.New(sqlerr.InsufficientPrivilege, "must be owner of %s %s", kind, name)
}

// permit checks a compiled statement against the privileges of its user, and
// the views it reads against those of their owners.
func (r *running) permit(plan *rsql.Plan) error {
	for _, rel := range plan.Read {
		if own, ok := rel.Handle.(*relation); ok && own.kind == "v" && own.schema != tempSchema && rel.Database == r.session.db.name {
			if err := r.permitBehind(own); err != nil {
				return err
			}
		}
	}
	who := r.session.actor()
	if who.super {
		return nil
	}
	needs := writeNeeds(plan)
	for _, rel := range plan.Written {
		for _, privilege := range needs {
			columns := plan.Used[rel.Place()]
			if t, ok := plan.Statement.(*syntax.Update); ok && privilege == "update" {
				columns = assigned(t)
			} else if privilege == "select" && len(columns) == 0 {
				continue // nothing is read
			}
			if err := r.permitRelation(who, rel, privilege, columns); err != nil {
				return err
			}
		}
	}
	for _, rel := range plan.Read {
		if slices.Contains(plan.Written, rel) {
			continue
		}
		if err := r.permitRelation(who, rel, "select", plan.Used[rel.Place()]); err != nil {
			return err
		}
	}
	for _, f := range plan.Called {
		if err := r.permitFunction(who, f.Handle.(*sqlFunction)); err != nil {
			return err
		}
	}
	return r.permitTree(who, plan.Statement)
}

// permitBehind checks that a view's owner may still read what the view reads.
func (r *running) permitBehind(view *relation) error {
	owner := r.session.record().actor(view.owner)
	if owner.super {
		return nil
	}
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return err
	}
	below, err := r.under(view.oid)
	if err != nil {
		return err
	}
	for _, rel := range set.relations {
		if !slices.Contains(below, rel.oid) {
			continue
		}
		// The columns were checked when the view was made.
		if !owner.has(set, aclKey{"table", rel.oid}, rel.owner, "select", nil) && !slices.ContainsFunc(set.acl[aclKey{"table", rel.oid}], func(e aclEntry) bool {
			return e.privilege == "select" && owner.holders[e.to]
		}) {
			return denied("relation", rel.name)
		}
		if rel.kind == "v" {
			if err := r.permitBehind(rel); err != nil {
				return err
			}
		}
	}
	return nil
}

// permitFunction checks USAGE on the schema of a function and EXECUTE on it.
func (r *running) permitFunction(who actor, f *sqlFunction) error {
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return err
	}
	if sch := set.schemas[f.schema]; sch != nil && !who.has(set, aclKey{"schema", sch.oid}, sch.owner, "usage", nil) {
		return denied("schema", f.schema)
	}
	if !who.has(set, aclKey{"function", f.oid}, f.owner, "execute", nil) {
		return denied("function", f.name)
	}
	return nil
}

// assigned are the columns an UPDATE sets.
func assigned(t *syntax.Update) (columns []string) {
	for _, s := range t.Set {
		columns = append(columns, s.Column.Name)
	}
	return columns
}

// writeNeeds are the privileges on the target of a DML statement. UPDATE and
// DELETE also read it ("GRANT" of the SQL reference).
func writeNeeds(plan *rsql.Plan) []string {
	switch t := plan.Statement.(type) {
	case *syntax.Update:
		return []string{"update", "select"}
	case *syntax.Delete:
		if t.Where == nil {
			return []string{"delete"}
		}
		return []string{"delete", "select"}
	case *syntax.Merge:
		return []string{"insert", "update", "delete", "select"}
	}
	return []string{"insert"}
}

// permitRelation checks USAGE on the schema and a privilege on the relation.
func (r *running) permitRelation(who actor, rel *resolve.Relation, privilege string, columns []string) error {
	if rel.Kind == resolve.System && slices.Contains(policyViews, rel.Name) && !r.session.record().mayPolice(who.name, "access system table") {
		return denied("relation", rel.Name)
	}
	if rel.Kind == resolve.System || rel.Schema == tempSchema || rel.Schema == pgCatalog || rel.Schema == infoSchema || rel.Database != r.session.db.name {
		return nil
	}
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return err
	}
	sch := set.schemas[rel.Schema]
	if sch != nil && !who.has(set, aclKey{"schema", sch.oid}, sch.owner, "usage", nil) {
		return denied("schema", rel.Schema)
	}
	own, ok := rel.Handle.(*relation)
	if !ok { // an external table: USAGE on its schema is what counts
		return nil
	}
	if !who.has(set, aclKey{"table", own.oid}, own.owner, privilege, columns) {
		return denied("relation", own.name)
	}
	return nil
}

// permitTree checks what statements need that make, change or drop objects.
func (r *running) permitTree(who actor, tree syntax.Statement) error {
	switch t := tree.(type) {
	case *syntax.CreateTable:
		if who.may("create table") {
			return nil
		}
		return r.permitCreate(who, t.Name, t.Temp || strings.HasPrefix(t.Name.Last().Name, "#"))
	case *syntax.Query:
		if into := rsql.Into(t); into != nil {
			return r.permitCreate(who, into.Name, into.Temp || strings.HasPrefix(into.Name.Last().Name, "#"))
		}
	case *syntax.CreateView:
		if t.OrReplace { // what reads the view trusts its owner
			if err := r.permitOwner(who, t.Name, "owner"); err != nil {
				return err
			}
		}
		return r.permitCreate(who, t.Name, false)
	case *syntax.CreateRoutine:
		if who.may("create or replace " + t.Kind) {
			return nil
		}
		return r.permitCreate(who, t.Name, false)
	case *syntax.AlterRoutine:
		return r.permitRoutine(who, t.Kind, t.Name, t.Args, t.Args != nil)
	case *syntax.RefreshView:
		return r.permitOwner(who, t.Name, "owner")
	case *syntax.AlterDatabase:
		if db := who.record.Databases[t.Name.Name]; db.Owner != who.name && db.ID != 0 {
			return notOwner("database", t.Name.Name)
		}
	case *syntax.CreateExternalTable:
		return r.permitCreate(who, t.Name, false)
	case *syntax.CreateSchema, *syntax.CreateExternalSchema:
		if who.may("create schema") {
			return nil
		}
		return r.permitDatabase(who, "create")
	case *syntax.AlterTable:
		return r.permitOwner(who, t.Table, "alter")
	case *syntax.AlterView:
		return r.permitOwner(who, t.Name, "alter")
	case *syntax.Truncate:
		return r.permitOwner(who, t.Table, "truncate")
	case *syntax.Comment:
		switch name := t.Name; {
		case t.Kind == "table" || t.Kind == "view":
			return r.permitOwner(who, name, "owner")
		case t.Kind == "column" && len(name.Parts) > 1:
			name.Parts = name.Parts[:len(name.Parts)-1]
			return r.permitOwner(who, name, "owner")
		case t.Kind == "schema":
			return r.permitSchemaOwner(who, name.Last().Name)
		}
	case *syntax.Analyze:
		if t.Table != nil && !who.may("analyze") {
			return r.permitOwner(who, *t.Table, "owner")
		}
	case *syntax.Copy:
		rel, err := r.catalog.Relation(parts(t.Table))
		if err != nil || rel == nil {
			return nil // COPY reports it better
		}
		return r.permitRelation(who, rel, "insert", nil)
	case *syntax.Drop:
		return r.permitDrop(who, t)
	case *syntax.AlterSchema:
		return r.permitSchemaOwner(who, t.Name.Name)
	case *syntax.CreatePrincipal:
		if t.Kind == "user" && superuserOption(t.Options) {
			return sqlerr.New(sqlerr.InsufficientPrivilege, "must be superuser to create superusers")
		}
		return r.permitSystem(who, "create "+t.Kind, "must be superuser to create "+t.Kind+"s")
	case *syntax.AlterPrincipal:
		if t.Kind == "user" && t.Name.Name == who.name && selfOptions(t) {
			return nil
		}
		if t.Kind == "role" && who.record.Roles[t.Name.Name].Owner == who.name {
			return nil
		}
		if t.Kind == "user" && (superuserOption(t.Options) || who.record.Users[t.Name.Name].Superuser) {
			return sqlerr.New(sqlerr.InsufficientPrivilege, "must be superuser to alter superusers")
		}
		return r.permitSystem(who, "alter "+t.Kind, "must be superuser to alter "+t.Kind+"s")
	}
	return nil
}

// superuserOption says whether options make a user a superuser, or no more one:
// what CREATE USER and ALTER USER as system privileges do not cover.
func superuserOption(options []syntax.Option) bool {
	return slices.ContainsFunc(options, func(o syntax.Option) bool { return o.Name == "CREATEUSER" || o.Name == "NOCREATEUSER" })
}

// permitRoutine checks that the user owns a procedure or function.
func (r *running) permitRoutine(who actor, kind string, name syntax.Name, args []syntax.TypeName, given bool) error {
	if kind == "function" {
		f, err := r.functionNamed(name, args)
		if err == nil && f.owner != who.name {
			return notOwner(kind, f.name)
		}
		return nil // the statement itself reports it better
	}
	p, err := r.named(name, args, given)
	if err == nil && p.owner != who.name {
		return notOwner(kind, p.name)
	}
	return nil
}

// permitReplace checks that the user owns the routine it replaces.
func (r *running) permitReplace(kind, name, owner string) error {
	if who := r.session.actor(); !who.super && who.name != owner {
		return notOwner(kind, name)
	}
	return nil
}

// permitOutside checks the statements that run outside a transaction.
func (r *running) permitOutside(tree syntax.Statement) error {
	who := r.session.actor()
	if who.super {
		return nil
	}
	switch t := tree.(type) {
	case *syntax.CreateDatabase:
		if !who.record.Users[who.name].CreateDB && !who.may("create database") {
			return sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied to create database")
		}
	case *syntax.Drop:
		if db := who.record.Databases[t.Names[0].Last().Name]; db.ID != 0 && db.Owner != who.name {
			return notOwner("database", t.Names[0].Last().Name)
		}
	case *syntax.Vacuum:
		if t.Table != nil && !who.may("vacuum") {
			r.catalog = &catalog{ctx: r.ctx, session: r.session}
			return r.permitOwner(who, *t.Table, "owner")
		}
	}
	return nil
}

// selfOptions says whether an ALTER USER is what users may do to themselves:
// their password and their settings.
func selfOptions(t *syntax.AlterPrincipal) bool {
	return t.RenameTo == nil && t.OwnerTo == nil && !slices.ContainsFunc(t.Options, func(o syntax.Option) bool { return o.Name != "PASSWORD" })
}

func (r *running) permitSystem(who actor, privilege, fault string) error {
	if who.super || r.session.record().systemPrivilege(who.name, privilege) {
		return nil
	}
	return sqlerr.New(sqlerr.InsufficientPrivilege, "%s", fault)
}

// permitDatabase checks a privilege on the session's database.
func (r *running) permitDatabase(who actor, privilege string) error {
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return err
	}
	owner := r.session.record().Databases[r.session.db.name].Owner
	if !who.has(set, aclKey{"database", 0}, owner, privilege, nil) {
		return denied("database", r.session.db.name)
	}
	return nil
}

// permitCreate checks CREATE on the schema a new object goes to.
func (r *running) permitCreate(who actor, name syntax.Name, temp bool) error {
	if temp {
		return r.permitDatabase(who, "temporary")
	}
	target, err := r.catalog.Target(parts(name), false)
	if err != nil || len(target) < 2 {
		return err
	}
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return err
	}
	sch := set.schemas[target[len(target)-2]]
	if sch != nil && !who.has(set, aclKey{"schema", sch.oid}, sch.owner, "create", nil) {
		return denied("schema", sch.name)
	}
	return nil
}

// permitOwner checks that the user owns a relation, or has the privilege that
// stands for it (DROP, ALTER, TRUNCATE).
func (r *running) permitOwner(who actor, name syntax.Name, privilege string) error {
	if privilege != "owner" && who.may(privilege+" table") {
		return nil
	}
	own, err := r.existing(name)
	if err != nil || own == nil || own.schema == tempSchema {
		return nil // the statement itself reports it better
	}
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return err
	}
	if !who.has(set, aclKey{"table", own.oid}, own.owner, privilege, nil) {
		return notOwner("relation", own.name)
	}
	return nil
}

func (r *running) permitSchemaOwner(who actor, name string) error {
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return err
	}
	if sch := set.schemas[name]; sch != nil && sch.owner != who.name && !who.may("drop schema") {
		return notOwner("schema", name)
	}
	return nil
}

func (r *running) permitDrop(who actor, t *syntax.Drop) error {
	for _, name := range t.Names {
		var err error
		switch t.Kind {
		case "table", "view", "materialized view":
			err = r.permitOwner(who, name, "drop")
		case "schema":
			err = r.permitSchemaOwner(who, name.Last().Name)
		case "procedure", "function":
			if !who.may("drop " + t.Kind) {
				err = r.permitRoutine(who, t.Kind, name, t.Args, t.HasArgs)
			}
		case "role":
			role := who.record.Roles[name.Last().Name]
			if role.Owner != who.name && !slices.Contains(role.Admins, who.name) {
				err = r.permitSystem(who, "drop role", "must be owner of role "+name.Last().Name)
			}
		case "user", "group":
			if t.Kind == "user" && who.record.Users[name.Last().Name].Superuser {
				return sqlerr.New(sqlerr.InsufficientPrivilege, "must be superuser to drop superusers")
			}
			err = r.permitSystem(who, "drop "+t.Kind, "must be superuser to drop "+t.Kind+"s")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// permitCall checks EXECUTE on a routine, and USAGE on its schema.
func (r *running) permitCall(p *procedure) error {
	who := r.session.actor()
	if who.super {
		return nil
	}
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return err
	}
	if sch := set.schemas[p.schema]; sch != nil && !who.has(set, aclKey{"schema", sch.oid}, sch.owner, "usage", nil) {
		return denied("schema", p.schema)
	}
	if !who.has(set, aclKey{"function", p.oid}, p.owner, "execute", nil) {
		return denied("procedure", p.name)
	}
	return nil
}
