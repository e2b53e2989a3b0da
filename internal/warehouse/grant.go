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
			for _, name := range privilegeNames(o.kind, p.Name) {
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

// grantOne writes one privilege on one object for every grantee.
func (r *running) grantOne(t *syntax.Grant, o granted, privilege string, columns []string) error {
	if !slices.Contains(allPrivileges[o.kind], privilege) {
		return sqlerr.New(sqlerr.InvalidGrantOperation, "invalid privilege type %s for %s", strings.ToUpper(privilege), o.noun())
	}
	if len(columns) == 0 {
		columns = []string{""}
	}
	for _, column := range columns {
		for _, to := range t.To {
			h := holderOf(to)
			if t.Revoke && t.GrantOption {
				if err := r.meta("UPDATE stepwell.acl SET grant_option = false WHERE oid = $1 AND kind = $2 AND column_name = $3 AND privilege = $4 AND grantee_kind = $5 AND grantee = $6",
					o.oid, o.kind, column, privilege, h.kind, h.name); err != nil {
					return err
				}
				continue
			}
			// Revoking on the table takes the privilege from its columns, too.
			if err := r.meta("DELETE FROM stepwell.acl WHERE oid = $1 AND kind = $2 AND column_name = CASE WHEN $7 THEN column_name ELSE $3 END AND privilege = $4 AND grantee_kind = $5 AND grantee = $6",
				o.oid, o.kind, column, privilege, h.kind, h.name, t.Revoke && column == ""); err != nil {
				return err
			}
			if t.Revoke {
				continue
			}
			if err := r.meta("INSERT INTO stepwell.acl VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
				o.oid, o.kind, column, privilege, h.kind, h.name, r.session.user(), t.GrantOption); err != nil {
				return err
			}
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
				list = append(list, granted{aclKey{"schema", sch.oid}, last, sch.owner})
				continue
			}
			all, err := r.allIn(set, kind, last)
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
				list = append(list, granted{aclKey{"table", own.oid}, last, own.owner})
			}
		case kind == "function":
			var signature []syntax.TypeName
			if i < len(t.Signature) {
				signature = t.Signature[i]
			}
			p, err := r.named(name, signature, signature != nil)
			if err != nil {
				return nil, err
			}
			list = append(list, granted{aclKey{"function", p.oid}, last, p.owner})
		case kind == "database":
			if last != r.session.db.name {
				return nil, sqlerr.NotImplemented("GRANT ON DATABASE of another database than the session's")
			}
			list = append(list, granted{aclKey{"database", 0}, last, r.session.record().Databases[last].Owner})
		case kind == "language":
			list = append(list, granted{aclKey{"language", 0}, last, "rdsdb"})
		default:
			return nil, sqlerr.NotImplemented("GRANT ON " + strings.ToUpper(t.On))
		}
	}
	return list, nil
}

// allIn lists the tables and views, or the procedures, of a schema.
func (r *running) allIn(set *schemaSet, kind, schemaName string) (list []granted, err error) {
	if kind == "table" {
		for key, rel := range set.relations {
			if key[0] == schemaName {
				list = append(list, granted{aclKey{"table", rel.oid}, rel.name, rel.owner})
			}
		}
		return list, nil
	}
	err = eachRow(r.ctx, r.session.conn, func(c *duck.Chunk, i int) error {
		list = append(list, granted{aclKey{"function", c.Column(0).Int(i)}, text(c, 1, i), text(c, 2, i)})
		return nil
	}, "SELECT oid, name, owner FROM "+duck.Ident(r.session.db.name)+"."+metaSchema+".procedures WHERE schema = $1", schemaName)
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
			if !who.super && g.Owner != who.name && !slices.Contains(g.Admins, who.name) {
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
				g.Admins = without(g.Admins, to.Name.Name)
				if t.Revoke && t.AdminOption {
					continue
				}
				*list = without(*list, to.Name.Name)
				if t.Revoke {
					continue
				}
				*list = append(*list, to.Name.Name)
				if t.AdminOption {
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
	for _, p := range g.Privileges {
		for _, privilege := range privilegeNames(kind, p.Name) {
			for _, to := range g.To {
				h := holderOf(to)
				err := r.meta("DELETE FROM stepwell.default_acl WHERE owner = $1 AND schema = $2 AND kind = $3 AND privilege = $4 AND grantee_kind = $5 AND grantee = $6",
					owner, schemaName, kind, privilege, h.kind, h.name)
				if err == nil && !g.Revoke {
					err = r.meta("INSERT INTO stepwell.default_acl VALUES ($1, $2, $3, $4, $5, $6, $7)", owner, schemaName, kind, privilege, h.kind, h.name, g.GrantOption)
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
// PRIVILEGES.
func (r *running) giveDefaults(oid int64, kind, schemaName, owner string) error {
	return r.meta(`INSERT INTO stepwell.acl SELECT DISTINCT $1, d.kind, '', d.privilege, d.grantee_kind, d.grantee, d.owner, d.grant_option
		FROM stepwell.default_acl d WHERE d.kind = $2 AND d.owner = $3 AND d.schema IN ('', $4)
			AND NOT EXISTS (SELECT 1 FROM stepwell.acl a WHERE a.oid = $1 AND a.kind = $2)`, oid, kind, owner, schemaName)
}
