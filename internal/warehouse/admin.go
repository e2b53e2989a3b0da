package warehouse

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// administer keeps users, groups, roles and grants. Their privileges are
// checked by permit.
func (r *running) administer(tree syntax.Statement) (Done, error) {
	switch t := tree.(type) {
	case *syntax.CreatePrincipal:
		return Done{Tag: "CREATE " + strings.ToUpper(t.Kind), Rows: -1}, r.createPrincipal(t)
	case *syntax.AlterPrincipal:
		return Done{Tag: "ALTER " + strings.ToUpper(t.Kind), Rows: -1}, r.alterPrincipal(t)
	case *syntax.Grant:
		return r.grant(t)
	case *syntax.DefaultPrivileges:
		return r.defaultPrivileges(t)
	case *syntax.AlterDatabase:
		return r.alterDatabase(t)
	case *syntax.AlterSchema:
		return r.alterSchema(t)
	}
	return Done{}, sqlerr.NotImplemented("this statement")
}

func (r *running) createPrincipal(t *syntax.CreatePrincipal) error {
	owner := r.session.user()
	return r.changePrincipals(func(c *clusterRecord) error {
		name := t.Name.Name
		if t.Kind == "user" {
			return c.createUser(name, t.Options)
		}
		list := principals(c, t.Kind)
		if _, ok := list[name]; ok {
			return sqlerr.New(sqlerr.DuplicateObject, "%s \"%s\" already exists", t.Kind, name)
		}
		g := groupRecord{ID: c.NextID, Members: identNames(t.Members)}
		for _, m := range g.Members {
			if _, ok := c.Users[m]; !ok {
				return missing("user", m)
			}
		}
		if t.Kind == "role" {
			g.Owner = owner
		}
		list[name] = g
		c.NextID++
		return nil
	})
}

func (r *clusterRecord) createUser(name string, options []syntax.Option) error {
	if _, ok := r.Users[name]; ok {
		return sqlerr.New(sqlerr.DuplicateObject, "user \"%s\" already exists", name)
	}
	if !slices.ContainsFunc(options, func(o syntax.Option) bool { return o.Name == "PASSWORD" }) {
		return sqlerr.New(sqlerr.SyntaxError, "password is required when creating user \"%s\"", name)
	}
	u := userRecord{ID: r.NextID}
	if err := u.set(options); err != nil {
		return err
	}
	for _, o := range options {
		if o.Name != "IN GROUP" {
			continue
		}
		for _, group := range o.List {
			g, ok := r.Groups[group]
			if !ok {
				return missing("group", group)
			}
			g.Members = append(without(g.Members, name), name)
			r.Groups[group] = g
		}
	}
	r.Users[name] = u
	r.NextID++
	return nil
}

// addIdentity adds the user of an IAM identity, unless there is one.
func (r *clusterRecord) addIdentity(name string) error {
	if _, ok := r.Users[name]; !ok {
		r.Users[name] = userRecord{ID: r.NextID}
		r.NextID++
	}
	return nil
}

func principals(c *clusterRecord, kind string) map[string]groupRecord {
	if kind == "role" {
		if c.Roles == nil {
			c.Roles = map[string]groupRecord{}
		}
		return c.Roles
	}
	return c.Groups
}

// set applies the options of CREATE and ALTER USER. Whose password is whose is
// the endpoint's matter, see the redshift service.
func (u *userRecord) set(options []syntax.Option) error {
	for _, o := range options {
		switch o.Name {
		case "CREATEUSER":
			u.Superuser = true
		case "NOCREATEUSER":
			u.Superuser = false
		case "CREATEDB":
			u.CreateDB = true
		case "NOCREATEDB":
			u.CreateDB = false
		case "VALID UNTIL":
			u.ValidUntil = o.Value
		case "SYSLOG ACCESS":
			u.Syslog = o.Value == "UNRESTRICTED"
		case "CONNECTION LIMIT":
			u.ConnectionLimit = nil
			if !strings.EqualFold(o.Value, "unlimited") {
				n, err := strconv.Atoi(o.Value)
				if err != nil || n < 0 {
					return sqlerr.New(sqlerr.InvalidParameterValue, "invalid connection limit: %s", o.Value)
				}
				u.ConnectionLimit = &n
			}
		}
	}
	return nil
}

func (r *running) alterPrincipal(t *syntax.AlterPrincipal) error {
	var renamed []rename
	if t.RenameTo != nil {
		renamed = []rename{{t.Kind, t.Name.Name, t.RenameTo.Name}}
		for _, sql := range renames(renamed[0], duck.Ident(r.session.db.name)+"."+metaSchema) {
			if err := r.meta(sql); err != nil {
				return err
			}
		}
	}
	return r.changePrincipals(func(c *clusterRecord) error {
		if t.Kind != "user" {
			return c.alterGroup(t)
		}
		return c.alterUser(t)
	}, renamed...)
}

func (r *clusterRecord) alterGroup(t *syntax.AlterPrincipal) error {
	list, name := principals(r, t.Kind), t.Name.Name
	g, ok := list[name]
	if !ok {
		return missing(t.Kind, name)
	}
	for _, m := range append(identNames(t.Add), identNames(t.Drop)...) {
		if _, ok := r.Users[m]; !ok {
			return missing("user", m)
		}
	}
	for _, m := range identNames(t.Add) {
		g.Members = append(without(g.Members, m), m)
	}
	for _, m := range identNames(t.Drop) {
		g.Members = without(g.Members, m)
	}
	if t.OwnerTo != nil {
		if _, ok := r.Users[t.OwnerTo.Name]; !ok {
			return missing("user", t.OwnerTo.Name)
		}
		g.Owner = t.OwnerTo.Name
	}
	delete(list, name)
	if t.RenameTo != nil {
		name = t.RenameTo.Name
		if _, ok := list[name]; ok {
			return sqlerr.New(sqlerr.DuplicateObject, "%s \"%s\" already exists", t.Kind, name)
		}
	}
	list[name] = g
	return nil
}

func (r *clusterRecord) alterUser(t *syntax.AlterPrincipal) error {
	name := t.Name.Name
	u, ok := r.Users[name]
	if !ok {
		return missing("user", name)
	}
	if err := u.set(t.Options); err != nil {
		return err
	}
	if t.Set != nil {
		if _, ok := parameters[t.Set.Name]; !ok {
			return unknownParameter(t.Set.Name)
		}
		if u.Settings == nil {
			u.Settings = map[string]string{}
		}
		u.Settings[t.Set.Name] = strings.Join(t.Set.Values, ", ")
	}
	if t.Reset != nil {
		delete(u.Settings, t.Reset.Name)
	}
	delete(r.Users, name)
	if t.RenameTo != nil {
		if _, ok := r.Users[t.RenameTo.Name]; ok {
			return sqlerr.New(sqlerr.DuplicateObject, "user \"%s\" already exists", t.RenameTo.Name)
		}
		r.renameMember(name, t.RenameTo.Name)
		name = t.RenameTo.Name
	}
	r.Users[name] = u
	return nil
}

// renameMember follows a user's new name through groups, roles and databases.
func (r *clusterRecord) renameMember(from, to string) {
	swap := func(list []string) {
		for i := range list {
			if list[i] == from {
				list[i] = to
			}
		}
	}
	for _, all := range []map[string]groupRecord{r.Groups, r.Roles} {
		for name, g := range all {
			swap(g.Members)
			swap(g.Admins)
			if g.Owner == from {
				g.Owner = to
			}
			all[name] = g
		}
	}
	for name, db := range r.Databases {
		if db.Owner == from {
			db.Owner = to
			r.Databases[name] = db
		}
	}
}

// renames are the statements that follow a new name through the owners and
// privileges that the metadata in a schema holds.
func renames(n rename, meta string) []string {
	set := func(table, column, where string) string {
		return "UPDATE " + meta + "." + table + " SET " + column + " = " + duck.Literal(n.To) + " WHERE " + where + column + " = " + duck.Literal(n.From)
	}
	var out []string
	for _, table := range []string{"acl", "default_acl", "policy_attachments"} {
		out = append(out, set(table, "grantee", "grantee_kind = "+duck.Literal(n.Kind)+" AND "))
	}
	if n.Kind != "user" {
		return out
	}
	out = append(out, set("acl", "grantor", ""), set("policy_attachments", "grantor", ""))
	for _, table := range []string{"relations", "schemas", "procedures", "functions", "default_acl"} {
		out = append(out, set(table, "owner", ""))
	}
	return out
}

// give changes the owner of an object, a row of a table of the metadata.
func (r *running) give(table string, oid int64, owner string) error {
	if _, ok := r.session.record().Users[owner]; !ok {
		return missing("user", owner)
	}
	return r.meta("UPDATE stepwell."+table+" SET owner = $2 WHERE oid = $1", oid, owner)
}

func missing(kind, name string) error {
	return sqlerr.New(sqlerr.UndefinedObject, "%s \"%s\" does not exist", kind, name)
}

func (r *running) dropPrincipal(t *syntax.Drop) error {
	var renamed []rename
	for _, n := range t.Names {
		name := n.Last().Name
		switch {
		case t.Kind == "user" && name == r.session.user():
			return sqlerr.New(sqlerr.ObjectInUse, "current user cannot be dropped")
		case t.Kind == "user" && name == r.session.identity.User:
			return sqlerr.New(sqlerr.ObjectInUse, "session user cannot be dropped")
		}
		if err := r.unneeded(t.Kind, name, t.Force); err != nil {
			return err
		}
		// What a user owns in other databases is nobody's, also when another one
		// gets the name ("DROP USER").
		if u, ok := r.session.record().Users[name]; ok && t.Kind == "user" {
			gone := rename{"user", name, fmt.Sprintf("unknown (UID=%d)", u.ID)}
			for _, sql := range renames(gone, duck.Ident(r.session.db.name)+"."+metaSchema) {
				if err := r.meta(sql); err != nil {
					return err
				}
			}
			renamed = append(renamed, gone)
		}
	}
	return r.changePrincipals(func(c *clusterRecord) error {
		for _, n := range t.Names {
			name := n.Last().Name
			_, user := c.Users[name]
			_, group := principals(c, t.Kind)[name]
			switch {
			case t.Kind == "user" && user:
				delete(c.Users, name)
				for _, all := range []map[string]groupRecord{c.Groups, c.Roles} {
					for g, rec := range all {
						rec.Members, rec.Admins = without(rec.Members, name), without(rec.Admins, name)
						all[g] = rec
					}
				}
			case t.Kind != "user" && group:
				delete(principals(c, t.Kind), name)
				for role, rec := range c.Roles {
					rec.Roles = without(rec.Roles, name)
					c.Roles[role] = rec
				}
			case !t.IfExists:
				return missing(t.Kind, name)
			}
		}
		return nil
	}, renamed...)
}

// owned is the query for the number of objects a user owns in a database.
func owned(from string) string {
	return "SELECT (SELECT count(*) FROM " + from + "relations WHERE owner = $1) + (SELECT count(*) FROM " + from +
		"schemas WHERE owner = $1) + (SELECT count(*) FROM " + from + "procedures WHERE owner = $1) + (SELECT count(*) FROM " + from + "functions WHERE owner = $1)"
}

// inherits says whether a role has been granted a role.
func (r *clusterRecord) inherits(name string) bool {
	for _, role := range r.Roles {
		if slices.Contains(role.Roles, name) {
			return true
		}
	}
	return false
}

// unneeded checks that nothing of the session's database is owned by, or
// granted to, a principal that is to be dropped ("DROP USER", "DROP GROUP",
// "DROP ROLE"). DROP ROLE FORCE takes away instead what the role has.
func (r *running) unneeded(kind, name string, force bool) error {
	from := duck.Ident(r.session.db.name) + "." + metaSchema + "."
	if kind == "user" {
		n, err := queryInt(r.ctx, r.session.conn, owned(from), name)
		if err != nil {
			return err
		}
		for _, db := range r.session.record().Databases {
			if db.Owner == name {
				n++
			}
		}
		if n > 0 {
			return sqlerr.New(sqlerr.ObjectInUse, "user \"%s\" cannot be dropped because the user owns some object", name)
		}
	}
	if role := r.session.record().Roles[name]; kind == "role" && !force {
		switch {
		case len(role.Members) > 0:
			return sqlerr.New(sqlerr.DependentObjectsStillExist, "cannot drop this role since it has been granted on a user")
		case len(role.Roles) > 0 || r.session.record().inherits(name):
			return sqlerr.New(sqlerr.DependentObjectsStillExist, "cannot drop this role since it depends on another role")
		}
	}
	n, err := queryInt(r.ctx, r.session.conn, "SELECT count(*) FROM "+from+"policy_attachments WHERE grantee_kind = $1 AND grantee = $2", kind, name)
	if err == nil && n > 0 && !force {
		err = sqlerr.New(sqlerr.DependentObjectsStillExist, "%s \"%s\" cannot be dropped because a policy is attached to the %s", kind, name, kind)
	}
	if err != nil {
		return err
	}
	if force {
		if err := r.meta("DELETE FROM stepwell.policy_attachments WHERE grantee_kind = $1 AND grantee = $2", kind, name); err != nil {
			return err
		}
	}
	if force {
		if err := r.meta("DELETE FROM stepwell.default_acl WHERE grantee_kind = $1 AND grantee = $2", kind, name); err != nil {
			return err
		}
		return r.meta("DELETE FROM stepwell.acl WHERE grantee_kind = $1 AND grantee = $2", kind, name)
	}
	n, err = queryInt(r.ctx, r.session.conn, "SELECT (SELECT count(*) FROM "+from+"acl WHERE grantee_kind = $1 AND grantee = $2) + (SELECT count(*) FROM "+
		from+"default_acl WHERE grantee_kind = $1 AND grantee = $2 OR $1 = 'user' AND owner = $2)", kind, name)
	if err == nil && n > 0 {
		return sqlerr.New(sqlerr.ObjectInUse, "%s \"%s\" cannot be dropped because the %s has a privilege on some object", kind, name, kind)
	}
	return err
}

func (r *running) alterDatabase(t *syntax.AlterDatabase) (Done, error) {
	level := isolation(t.Options)
	if t.OwnerTo == nil && level == "" {
		return Done{}, sqlerr.NotImplemented("ALTER DATABASE other than OWNER TO and ISOLATION LEVEL")
	}
	// The isolation level is of the transactions that begin from now on; the
	// owner changes with this one.
	change := r.session.cluster.change
	if level == "" {
		change = func(edit func(c *clusterRecord) error) error { return r.changePrincipals(edit) }
	}
	return Done{Tag: "ALTER DATABASE", Rows: -1}, change(func(c *clusterRecord) error {
		db, ok := c.Databases[t.Name.Name]
		if !ok {
			return sqlerr.New(sqlerr.UndefinedDatabase, "database \"%s\" does not exist", t.Name.Name)
		}
		if level != "" {
			db.Serializable = level == "SERIALIZABLE"
		}
		if t.OwnerTo != nil {
			if _, ok := c.Users[t.OwnerTo.Name]; !ok {
				return missing("user", t.OwnerTo.Name)
			}
			db.Owner = t.OwnerTo.Name
		}
		c.Databases[t.Name.Name] = db
		return nil
	})
}

func (r *running) alterSchema(t *syntax.AlterSchema) (Done, error) {
	done := Done{Tag: "ALTER SCHEMA", Rows: -1}
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return done, err
	}
	if set.schemas[t.Name.Name] == nil {
		return done, sqlerr.New(sqlerr.UndefinedSchema, "schema \"%s\" does not exist", t.Name.Name)
	}
	switch {
	case t.OwnerTo != nil:
		return done, r.give("schemas", set.schemas[t.Name.Name].oid, t.OwnerTo.Name)
	case t.Quota != "":
		return done, nil
	}
	return done, sqlerr.NotImplemented("ALTER SCHEMA RENAME TO")
}
