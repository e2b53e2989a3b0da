package warehouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"stepwell/internal/duck"
)

// principalsScript makes the tables in which the catalog's views find the
// cluster's record. They are in memory: cluster.json is what counts.
const principalsScript = `CREATE SCHEMA principals;
CREATE TABLE principals.users (id BIGINT, name VARCHAR, super BOOLEAN, createdb BOOLEAN, settings VARCHAR, connection_limit INTEGER, valid_until VARCHAR, syslog BOOLEAN);
CREATE TABLE principals.groups (id BIGINT, name VARCHAR);
CREATE TABLE principals.group_members (group_name VARCHAR, user_name VARCHAR);
CREATE TABLE principals.roles (id BIGINT, name VARCHAR, owner VARCHAR);
CREATE TABLE principals.role_grants (role VARCHAR, grantee_kind VARCHAR, grantee VARCHAR, admin BOOLEAN);
CREATE TABLE principals.system_grants (privilege VARCHAR, grantee_kind VARCHAR, grantee VARCHAR);
CREATE TABLE principals.databases (id BIGINT, name VARCHAR, owner VARCHAR, serializable BOOLEAN);
CREATE TABLE principals.holders (user_name VARCHAR, kind VARCHAR, name VARCHAR);
`

// holder is who a privilege is granted to.
type holder struct{ kind, name string }

// holders are the grantees whose privileges a user has: itself, PUBLIC, its
// groups, and its roles with the roles granted to those.
func (r *clusterRecord) holders(user string) map[holder]bool {
	out := map[holder]bool{{"user", user}: true, {"public", ""}: true}
	for name, g := range r.Groups {
		if slices.Contains(g.Members, user) {
			out[holder{"group", name}] = true
		}
	}
	for grown := true; grown; {
		grown = false
		for name, role := range r.Roles {
			has := slices.Contains(role.Members, user) || slices.ContainsFunc(role.Roles, func(m string) bool { return out[holder{"role", m}] })
			if h := (holder{"role", name}); has && !out[h] {
				out[h], grown = true, true
			}
		}
	}
	return out
}

// systemPrivilege says whether a user has a privilege such as CREATE USER
// through a role.
func (r *clusterRecord) systemPrivilege(user, privilege string) bool {
	for h := range r.holders(user) {
		role, ok := r.Roles[h.name]
		if h.kind != "role" {
			continue
		}
		if h.name == "sys:superuser" || ok && slices.Contains(role.Privileges, privilege) {
			return true
		}
	}
	return false
}

// publish writes the record into the tables of principalsScript.
func (c *cluster) publish(ctx context.Context) error {
	conn, err := c.engine.Connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	var script strings.Builder
	script.WriteString("BEGIN;\n")
	fill := func(table string, rows []string) {
		fmt.Fprintf(&script, "DELETE FROM memory.principals.%s;\n", table)
		if len(rows) > 0 {
			fmt.Fprintf(&script, "INSERT INTO memory.principals.%s VALUES %s;\n", table, strings.Join(rows, ", "))
		}
	}
	for table, rows := range c.record.rows() {
		fill(table, rows)
	}
	script.WriteString("COMMIT;\n")
	return conn.Script(ctx, script.String())
}

// rows are the rows of the tables of principalsScript.
func (r *clusterRecord) rows() map[string][]string {
	out := map[string][]string{
		"users": nil, "groups": nil, "group_members": nil, "roles": nil, "role_grants": nil, "system_grants": nil, "databases": nil, "holders": nil,
	}
	add := func(table string, values ...any) {
		cells := make([]string, len(values))
		for i, v := range values {
			cells[i] = fmt.Sprint(v)
			if text, ok := v.(string); ok {
				cells[i] = duck.Literal(text)
			}
		}
		out[table] = append(out[table], "("+strings.Join(cells, ", ")+")")
	}
	for name, u := range r.Users {
		var settings []string
		for _, k := range slices.Sorted(maps.Keys(u.Settings)) {
			settings = append(settings, k+"="+u.Settings[k])
		}
		limit := -1
		if u.ConnectionLimit != nil {
			limit = *u.ConnectionLimit
		}
		add("users", u.ID, name, u.Superuser, u.CreateDB, strings.Join(settings, ","), limit, u.ValidUntil, u.Syslog)
		for h := range r.holders(name) {
			add("holders", name, h.kind, h.name)
		}
	}
	for name, g := range r.Groups {
		add("groups", g.ID, name)
		for _, m := range g.Members {
			add("group_members", name, m)
		}
	}
	for name, role := range r.Roles {
		add("roles", role.ID, name, role.Owner)
		for _, m := range role.Members {
			add("role_grants", name, "user", m, slices.Contains(role.Admins, m))
		}
		for _, m := range role.Roles {
			add("role_grants", name, "role", m, false)
		}
		for _, p := range role.Privileges {
			add("system_grants", strings.ToUpper(p), "role", name)
		}
	}
	for name, db := range r.Databases {
		add("databases", db.ID, name, db.Owner, db.Serializable)
	}
	return out
}
