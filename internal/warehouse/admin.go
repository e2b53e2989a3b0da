package warehouse

import (
	"slices"
	"strings"

	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// administer keeps users, groups, roles and grants. They are recorded and
// shown by the system tables; privileges are not enforced yet.
func (r *running) administer(tree syntax.Statement) (Done, error) {
	switch t := tree.(type) {
	case *syntax.CreatePrincipal:
		return Done{Tag: "CREATE " + strings.ToUpper(t.Kind), Rows: -1}, r.createPrincipal(t)
	case *syntax.AlterPrincipal:
		return Done{Tag: "ALTER " + strings.ToUpper(t.Kind), Rows: -1}, r.alterPrincipal(t)
	case *syntax.Grant:
		return r.grant(t)
	case *syntax.DefaultPrivileges:
		return Done{}, sqlerr.NotImplemented("ALTER DEFAULT PRIVILEGES")
	case *syntax.AlterDatabase:
		return r.alterDatabase(t)
	case *syntax.AlterSchema:
		return r.alterSchema(t)
	}
	return Done{}, sqlerr.NotImplemented("this statement")
}

func (r *running) createPrincipal(t *syntax.CreatePrincipal) error {
	return r.session.cluster.change(func(c *clusterRecord) error {
		name := t.Name.Name
		switch t.Kind {
		case "user":
			if _, ok := c.Users[name]; ok {
				return sqlerr.New(sqlerr.DuplicateObject, "user \"%s\" already exists", name)
			}
			u := userRecord{ID: c.NextID}
			setUserOptions(&u, t.Options)
			c.Users[name] = u
		default:
			list := principals(c, t.Kind)
			if _, ok := list[name]; ok {
				return sqlerr.New(sqlerr.DuplicateObject, "%s \"%s\" already exists", t.Kind, name)
			}
			list[name] = groupRecord{ID: c.NextID, Members: identNames(t.Members)}
		}
		c.NextID++
		return nil
	})
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

func setUserOptions(u *userRecord, options []syntax.Option) {
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
		}
	}
}

func (r *running) alterPrincipal(t *syntax.AlterPrincipal) error {
	return r.session.cluster.change(func(c *clusterRecord) error {
		name := t.Name.Name
		if t.Kind != "user" {
			list := principals(c, t.Kind)
			g, ok := list[name]
			if !ok {
				return missing(t.Kind, name)
			}
			g.Members = append(g.Members, identNames(t.Add)...)
			g.Members = slices.DeleteFunc(g.Members, func(m string) bool { return slices.Contains(identNames(t.Drop), m) })
			delete(list, name)
			if t.RenameTo != nil {
				name = t.RenameTo.Name
			}
			list[name] = g
			return nil
		}
		u, ok := c.Users[name]
		if !ok {
			return missing("user", name)
		}
		setUserOptions(&u, t.Options)
		if t.Set != nil {
			if u.Settings == nil {
				u.Settings = map[string]string{}
			}
			u.Settings[t.Set.Name] = strings.Join(t.Set.Values, ", ")
		}
		if t.Reset != nil {
			delete(u.Settings, t.Reset.Name)
		}
		delete(c.Users, name)
		if t.RenameTo != nil {
			name = t.RenameTo.Name
		}
		c.Users[name] = u
		return nil
	})
}

func missing(kind, name string) error {
	return sqlerr.New(sqlerr.UndefinedObject, "%s \"%s\" does not exist", kind, name)
}

func (r *running) dropPrincipal(t *syntax.Drop) error {
	return r.session.cluster.change(func(c *clusterRecord) error {
		for _, n := range t.Names {
			name := n.Last().Name
			_, user := c.Users[name]
			_, group := principals(c, t.Kind)[name]
			switch {
			case t.Kind == "user" && user:
				delete(c.Users, name)
			case t.Kind != "user" && group:
				delete(principals(c, t.Kind), name)
			case !t.IfExists:
				return missing(t.Kind, name)
			}
		}
		return nil
	})
}

// grant records GRANT and REVOKE in the database the session is in.
func (r *running) grant(t *syntax.Grant) (Done, error) {
	done := Done{Tag: "GRANT", Rows: -1}
	if t.Revoke {
		done.Tag = "REVOKE"
	}
	if len(t.Roles) > 0 {
		return done, r.grantRoles(t)
	}
	objects := t.Objects
	if len(objects) == 0 {
		objects = []syntax.Name{{Parts: []syntax.Ident{{}}}}
	}
	for _, object := range objects {
		p := parts(object)
		schemaName := ""
		if len(p) > 1 {
			schemaName = p[len(p)-2]
		}
		for _, privilege := range t.Privileges {
			for _, to := range t.To {
				err := r.meta("DELETE FROM stepwell.grants WHERE object_kind = $1 AND schema = $2 AND name = $3 AND privilege = $4 AND grantee_kind = $5 AND grantee = $6",
					t.On, schemaName, p[len(p)-1], privilege.Name, to.Kind, to.Name.Name)
				if err != nil {
					return done, err
				}
				if t.Revoke {
					continue
				}
				err = r.meta("INSERT INTO stepwell.grants VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
					t.On, schemaName, p[len(p)-1], strings.Join(identNames(privilege.Columns), ","), privilege.Name, to.Kind, to.Name.Name, r.session.identity.User, t.GrantOption)
				if err != nil {
					return done, err
				}
			}
		}
	}
	return done, nil
}

func (r *running) grantRoles(t *syntax.Grant) error {
	return r.session.cluster.change(func(c *clusterRecord) error {
		for _, role := range t.Roles {
			g, ok := c.Roles[role.Name]
			if !ok {
				return missing("role", role.Name)
			}
			for _, to := range t.To {
				g.Members = slices.DeleteFunc(g.Members, func(m string) bool { return m == to.Name.Name })
				if !t.Revoke {
					g.Members = append(g.Members, to.Name.Name)
				}
			}
			c.Roles[role.Name] = g
		}
		return nil
	})
}

func (r *running) alterDatabase(t *syntax.AlterDatabase) (Done, error) {
	if t.OwnerTo == nil {
		return Done{}, sqlerr.NotImplemented("ALTER DATABASE other than OWNER TO")
	}
	return Done{Tag: "ALTER DATABASE", Rows: -1}, r.session.cluster.change(func(c *clusterRecord) error {
		db, ok := c.Databases[t.Name.Name]
		if !ok {
			return sqlerr.New(sqlerr.UndefinedDatabase, "database \"%s\" does not exist", t.Name.Name)
		}
		db.Owner = t.OwnerTo.Name
		c.Databases[t.Name.Name] = db
		return nil
	})
}

func (r *running) alterSchema(t *syntax.AlterSchema) (Done, error) {
	done := Done{Tag: "ALTER SCHEMA", Rows: -1}
	switch {
	case t.OwnerTo != nil:
		return done, r.meta("UPDATE stepwell.schemas SET owner = $2 WHERE name = $1", t.Name.Name, t.OwnerTo.Name)
	case t.Quota != "":
		return done, nil
	}
	return done, sqlerr.NotImplemented("ALTER SCHEMA RENAME TO")
}
