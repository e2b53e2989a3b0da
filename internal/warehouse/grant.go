package warehouse

import (
	"slices"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// allPrivileges are what ALL stands for on each kind of object ("GRANT" of the
// SQL reference).
var allPrivileges = map[string][]string{
	"table":    {"select", "insert", "update", "delete", "rule", "references", "trigger", "drop", "truncate", "alter"},
	"schema":   {"usage", "create"},
	"database": {"create", "temporary", "usage"},
	"function": {"execute"},
	"language": {"usage"},
}

// grantKind is the kind of object of the words after ON, and whether they name
// the schemas of the objects meant.
func grantKind(on string) (kind string, inSchema bool) {
	switch on {
	case "table", "tables", "external table":
		return "table", false
	case "schema", "external schema":
		return "schema", false
	case "function", "functions", "procedure", "procedures", "routines":
		return "function", false
	case "all tables in schema":
		return "table", true
	case "all functions in schema", "all procedures in schema", "all routines in schema":
		return "function", true
	}
	return on, false
}

// granted is one object of a GRANT.
type granted struct {
	aclKey
	name, owner string
	columns     []column // of a relation
}

// noun is what errors call the object's kind.
func (o granted) noun() string {
	if o.kind == "table" {
		return "relation"
	}
	return o.kind
}

// grant executes GRANT and REVOKE on objects of the session's database, of
// roles, and of system privileges.
func (r *running) grant(t *syntax.Grant) (Done, error) {
	done := Done{Tag: "GRANT", Rows: -1}
	if t.Revoke {
		done.Tag = "REVOKE"
	}
	if err := r.knownGrantees(t.To); err != nil {
		return done, err
	}
	switch {
	case len(t.Roles) > 0:
		return done, r.grantRoles(t)
	case t.On == "":
		return done, r.grantSystem(t)
	case t.On == "role arn": // GRANT ASSUMEROLE: every role may be assumed here
		return done, nil
	}
	objects, err := r.grantedObjects(t)
	if err != nil {
		return done, err
	}
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return done, err
	}
	who := r.session.actor()
	for _, o := range objects {
		for _, p := range t.Privileges {
			names := privilegeNames(o.kind, p.Name)
			if len(p.Columns) > 0 && len(names) > 1 {
				names = columnPrivileges
			}
			for _, name := range names {
				if !who.mayGrant(set, o, name) {
					return done, denied(o.noun(), o.name)
				}
				if err := r.grantOne(t, o, name, identNames(p.Columns)); err != nil {
					return done, err
				}
			}
		}
	}
	return done, nil
}

// mayGrant says whether the actor owns the object or has the privilege with
// its grant option.
func (a actor) mayGrant(set *schemaSet, o granted, privilege string) bool {
	return a.super || a.name == o.owner || slices.ContainsFunc(set.acl[o.aclKey], func(e aclEntry) bool {
		return e.privilege == privilege && e.option && a.holders[e.to]
	})
}

func privilegeNames(kind, written string) []string {
	switch written {
	case "all", "all privileges":
		return allPrivileges[kind]
	case "temp":
		return []string{"temporary"}
	}
	return []string{written}
}

// columnPrivileges are those that can be granted on columns.
var columnPrivileges = []string{"select", "update"}

// grantOne writes one privilege on one object for every grantee.
func (r *running) grantOne(t *syntax.Grant, o granted, privilege string, columns []string) error {
	if !slices.Contains(allPrivileges[o.kind], privilege) {
		return sqlerr.New(sqlerr.InvalidGrantOperation, "invalid privilege type %s for %s", strings.ToUpper(privilege), o.noun())
	}
	for _, name := range columns {
		if !slices.Contains(columnPrivileges, privilege) {
			return sqlerr.New(sqlerr.InvalidGrantOperation, "invalid privilege type %s for column", strings.ToUpper(privilege))
		}
		if !slices.ContainsFunc(o.columns, func(c column) bool { return c.name == name }) {
			return sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", name, o.name)
		}
	}
	if len(columns) == 0 {
		columns = []string{""}
	}
	grantors := r.grantors(o)
	for _, name := range columns {
		for _, to := range t.To {
			h := holderOf(to)
			var err error
			switch {
			case t.Revoke:
				err = r.revokeOne(t, o, name, privilege, h, grantors)
			case t.GrantOption && h.kind != "user":
				err = sqlerr.New(sqlerr.InvalidGrantOperation, "grant options can only be granted to individual users")
			default:
				err = r.giveOne(t, o, name, privilege, h, grantors[0])
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// grantors are those in whose name the user grants, the first, and revokes: an
// owner and superusers as the owner, all others as themselves.
func (r *running) grantors(o granted) []string {
	who := r.session.actor()
	if !who.super && who.name != o.owner {
		return []string{who.name}
	}
	list := []string{o.owner}
	for name, u := range who.record.Users {
		if u.Superuser && name != o.owner {
			list = append(list, name)
		}
	}
	return list
}

// giveOne grants one privilege. What was granted with a grant option keeps it.
func (r *running) giveOne(t *syntax.Grant, o granted, column, privilege string, to holder, grantor string) error {
	n, err := queryInt(r.ctx, r.session.conn, "SELECT count(*) FROM "+metaSchema+".acl WHERE oid = $1 AND kind = $2 AND column_name = $3 AND privilege = $4 AND grantee_kind = $5 AND grantee = $6 AND grantor = $7 AND (grant_option OR NOT $8)",
		o.oid, o.kind, column, privilege, to.kind, to.name, grantor, t.GrantOption)
	if err != nil || n > 0 {
		return err
	}
	if err := r.meta("DELETE FROM stepwell.acl WHERE oid = $1 AND kind = $2 AND column_name = $3 AND privilege = $4 AND grantee_kind = $5 AND grantee = $6 AND grantor = $7",
		o.oid, o.kind, column, privilege, to.kind, to.name, grantor); err != nil {
		return err
	}
	return r.meta("INSERT INTO stepwell.acl VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", o.oid, o.kind, column, privilege, to.kind, to.name, grantor, t.GrantOption)
}

// revokeOne takes a privilege, or its grant option, that one of the grantors
// gave. Revoking on the table takes the privilege from its columns, too. What
// depended on the grant option goes with it, or keeps it ("REVOKE").
func (r *running) revokeOne(t *syntax.Grant, o granted, column, privilege string, from holder, grantors []string) error {
	for _, grantor := range grantors {
		where := " WHERE oid = $1 AND kind = $2 AND (column_name = $3 OR $3 = '') AND privilege = $4 AND grantee_kind = $5 AND grantee = $6 AND grantor = $7"
		sql := "DELETE FROM stepwell.acl" + where
		if t.GrantOption {
			sql = "UPDATE stepwell.acl SET grant_option = false" + where
		}
		if err := r.meta(sql, o.oid, o.kind, column, privilege, from.kind, from.name, grantor); err != nil {
			return err
		}
	}
	if from.kind != "user" || from.name == o.owner {
		return nil
	}
	key := "oid = $1 AND kind = $2 AND privilege = $3"
	n, err := queryInt(r.ctx, r.session.conn, "SELECT count(*) FROM "+metaSchema+".acl WHERE "+key+" AND grantee_kind = 'user' AND grantee = $4 AND grant_option",
		o.oid, o.kind, privilege, from.name)
	if err != nil || n > 0 || r.session.record().Users[from.name].Superuser {
		return err // the grant option is still there, by another grantor
	}
	var dependent []holder
	err = eachRow(r.ctx, r.session.conn, func(c *duck.Chunk, row int) error {
		dependent = append(dependent, holder{text(c, 0, row), text(c, 1, row)})
		return nil
	}, "SELECT DISTINCT grantee_kind, grantee FROM "+metaSchema+".acl WHERE "+key+" AND grantor = $4", o.oid, o.kind, privilege, from.name)
	if err != nil {
		return err
	}
	if len(dependent) > 0 && !t.Cascade {
		return sqlerr.New(sqlerr.DependentObjectsStillExist, "dependent privileges exist").WithHint("Use CASCADE to revoke them too.")
	}
	all := *t
	all.GrantOption = false
	for _, d := range dependent {
		if err := r.revokeOne(&all, o, "", privilege, d, []string{from.name}); err != nil {
			return err
		}
	}
	return nil
}

func holderOf(g syntax.Grantee) holder {
	if g.Kind == "public" {
		return holder{"public", ""}
	}
	return holder{g.Kind, g.Name.Name}
}

// knownGrantees checks that users, groups and roles exist.
func (r *running) knownGrantees(list []syntax.Grantee) error {
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return err
	}
	record := r.session.record()
	for _, g := range list {
		ok := true
		switch g.Kind {
		case rlsPolicy:
			_, ok = set.policies.policies[[2]string{rlsPolicy, g.Name.Name}]
		case "user":
			_, ok = record.Users[g.Name.Name]
		case "group":
			_, ok = record.Groups[g.Name.Name]
		case "role":
			_, ok = record.Roles[g.Name.Name]
		case "iam":
			return sqlerr.NotImplemented("GRANT TO IAM_ROLE")
		}
		if !ok {
			return missing(g.Kind, g.Name.Name)
		}
	}
	return nil
}

// grantedObjects finds what a GRANT names.
func (r *running) grantedObjects(t *syntax.Grant) (list []granted, err error) {
	kind, inSchema := grantKind(t.On)
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return nil, err
	}
	for i, name := range t.Objects {
		last := name.Last().Name
		switch {
		case inSchema || kind == "schema":
			sch := set.schemas[last]
			if sch == nil {
				return nil, sqlerr.New(sqlerr.UndefinedSchema, "schema \"%s\" does not exist", last)
			}
			if !inSchema {
				list = append(list, granted{aclKey{"schema", sch.oid}, last, sch.owner, nil})
				continue
			}
			all, err := r.allIn(set, t.On, last)
			if err != nil {
				return nil, err
			}
			list = append(list, all...)
		case kind == "table":
			found, err := r.catalog.Relation(parts(name))
			if err != nil {
				return nil, err
			}
			if found == nil {
				return nil, sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", strings.Join(parts(name), "."))
			}
			if own, ok := found.Handle.(*relation); ok {
				list = append(list, granted{aclKey{"table", own.oid}, last, own.owner, own.columns})
			}
		case kind == "function":
			var signature []syntax.TypeName
			if i < len(t.Signature) {
				signature = t.Signature[i]
			}
			if strings.HasPrefix(t.On, "function") {
				f, err := r.functionNamed(name, signature)
				if err != nil {
					return nil, err
				}
				list = append(list, granted{aclKey{"function", f.oid}, last, f.owner, nil})
				continue
			}
			p, err := r.named(name, signature, signature != nil)
			if err != nil {
				return nil, err
			}
			list = append(list, granted{aclKey{"function", p.oid}, last, p.owner, nil})
		case kind == "database":
			if last != r.session.db.name {
				return nil, sqlerr.NotImplemented("GRANT ON DATABASE of another database than the session's")
			}
			list = append(list, granted{aclKey{"database", 0}, last, r.session.record().Databases[last].Owner, nil})
		case kind == "language":
			list = append(list, granted{aclKey{"language", 0}, last, "rdsdb", nil})
		default:
			return nil, sqlerr.NotImplemented("GRANT ON " + strings.ToUpper(t.On))
		}
	}
	return list, nil
}

// allIn lists the tables and views, or the procedures, of a schema.
func (r *running) allIn(set *schemaSet, on, schemaName string) (list []granted, err error) {
	if on == "all tables in schema" {
		for key, rel := range set.relations {
			if key[0] == schemaName {
				list = append(list, granted{aclKey{"table", rel.oid}, rel.name, rel.owner, rel.columns})
			}
		}
		return list, nil
	}
	from := map[string][]string{"all functions in schema": {"functions"}, "all procedures in schema": {"procedures"}}[on]
	if from == nil {
		from = []string{"functions", "procedures"}
	}
	for i, table := range from {
		from[i] = "SELECT oid, name, owner FROM " + metaSchema + "." + table + " WHERE schema = $1"
	}
	err = eachRow(r.ctx, r.session.conn, func(c *duck.Chunk, i int) error {
		list = append(list, granted{aclKey{"function", c.Column(0).Int(i)}, text(c, 1, i), text(c, 2, i), nil})
		return nil
	}, strings.Join(from, " UNION ALL "), schemaName)
	return list, err
}

// grantRoles executes GRANT ROLE ... TO users and roles.
func (r *running) grantRoles(t *syntax.Grant) error {
	who := r.session.actor()
	return r.changePrincipals(func(c *clusterRecord) error {
		for _, role := range t.Roles {
			g, ok := c.Roles[role.Name]
			if !ok {
				return missing("role", role.Name)
			}
			if !who.may("grant role") && g.Owner != who.name && !slices.Contains(g.Admins, who.name) {
				return denied("role", role.Name)
			}
			for _, to := range t.To {
				list := &g.Members
				if to.Kind == "role" {
					list = &g.Roles
					if c.Roles[to.Name.Name].ID == g.ID || c.contains(role.Name, to.Name.Name) && !t.Revoke {
						return sqlerr.New(sqlerr.InvalidGrantOperation, "role \"%s\" is a member of role \"%s\"", role.Name, to.Name.Name)
					}
				}
				if to.Kind == "user" {
					g.Admins = without(g.Admins, to.Name.Name)
				}
				if t.Revoke && t.AdminOption {
					continue
				}
				*list = without(*list, to.Name.Name)
				if t.Revoke {
					continue
				}
				*list = append(*list, to.Name.Name)
				if t.AdminOption && to.Kind == "user" {
					g.Admins = append(g.Admins, to.Name.Name)
				}
			}
			c.Roles[role.Name] = g
		}
		return nil
	})
}

// contains says whether role a has been granted, directly or not, role b.
func (r *clusterRecord) contains(a, b string) bool {
	for _, member := range r.Roles[b].Roles {
		if member == a || r.contains(a, member) {
			return true
		}
	}
	return false
}

func without(list []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(m string) bool { return m == name })
}

// grantSystem executes GRANT of system privileges, which only roles have.
func (r *running) grantSystem(t *syntax.Grant) error {
	if !r.session.actor().super {
		return sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied to grant system privileges")
	}
	return r.changePrincipals(func(c *clusterRecord) error {
		for _, to := range t.To {
			if to.Kind != "role" {
				return sqlerr.New(sqlerr.InvalidGrantOperation, "system privileges can be granted to roles only")
			}
			role := c.Roles[to.Name.Name]
			for _, p := range t.Privileges {
				role.Privileges = without(role.Privileges, p.Name)
				if !t.Revoke {
					role.Privileges = append(role.Privileges, p.Name)
				}
			}
			c.Roles[to.Name.Name] = role
		}
		return nil
	})
}

// defaultPrivileges executes ALTER DEFAULT PRIVILEGES: what objects get that
// are made from now on.
func (r *running) defaultPrivileges(t *syntax.DefaultPrivileges) (Done, error) {
	done := Done{Tag: "ALTER DEFAULT PRIVILEGES", Rows: -1}
	if err := r.knownGrantees(t.Grant.To); err != nil {
		return done, err
	}
	who := r.session.actor()
	owners, schemas := identNames(t.Users), identNames(t.Schemas)
	if len(owners) == 0 {
		owners = []string{who.name}
	}
	if !who.super && !slices.Equal(owners, []string{who.name}) {
		return done, sqlerr.New(sqlerr.InsufficientPrivilege, "must be superuser to alter default privileges of other users")
	}
	if len(schemas) == 0 {
		schemas = []string{""}
	}
	kind, _ := grantKind(t.Grant.On)
	if t.Grant.On == "procedures" {
		kind = "procedure"
	}
	for _, owner := range owners {
		for _, schemaName := range schemas {
			if err := r.defaultIn(t.Grant, owner, schemaName, kind); err != nil {
				return done, err
			}
		}
	}
	return done, nil
}

func (r *running) defaultIn(g *syntax.Grant, owner, schemaName, kind string) error {
	of := kind
	if kind == "procedure" {
		of = "function"
	}
	for _, p := range g.Privileges {
		for _, privilege := range privilegeNames(of, p.Name) {
			if !slices.Contains(allPrivileges[of], privilege) {
				return sqlerr.New(sqlerr.InvalidGrantOperation, "invalid privilege type %s for %s", strings.ToUpper(privilege), granted{aclKey: aclKey{kind: of}}.noun())
			}
			for _, to := range g.To {
				h := holderOf(to)
				if g.GrantOption && !g.Revoke && h.kind != "user" {
					return sqlerr.New(sqlerr.InvalidGrantOperation, "grant options can only be granted to individual users")
				}
				kept, revoke := privilege, g.Revoke
				if kind == "function" && h.kind == "public" { // which has EXECUTE unless it is taken
					kept, revoke = "-execute", !revoke
				}
				err := r.meta("DELETE FROM stepwell.default_acl WHERE owner = $1 AND schema = $2 AND kind = $3 AND privilege = $4 AND grantee_kind = $5 AND grantee = $6",
					owner, schemaName, kind, kept, h.kind, h.name)
				if err == nil && !revoke {
					err = r.meta("INSERT INTO stepwell.default_acl VALUES ($1, $2, $3, $4, $5, $6, $7)", owner, schemaName, kind, kept, h.kind, h.name, g.GrantOption)
				}
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// giveDefaults writes the privileges a new object gets by ALTER DEFAULT
// PRIVILEGES ON defaults, "table" say.
func (r *running) giveDefaults(oid int64, defaults, kind, schemaName, owner string) error {
	return r.meta(`INSERT INTO stepwell.acl SELECT DISTINCT $1, $5, '', d.privilege, d.grantee_kind, d.grantee, d.owner, d.grant_option
		FROM stepwell.default_acl d WHERE d.kind = $2 AND d.owner = $3 AND d.schema IN ('', $4) AND d.privilege <> '-execute'
			AND NOT EXISTS (SELECT 1 FROM stepwell.acl a WHERE a.oid = $1 AND a.kind = $5)`, oid, defaults, owner, schemaName, kind)
}
