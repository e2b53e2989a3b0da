package warehouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"stepwell/internal/duck"
)

// principalTables are the tables in which the catalog's views find the cluster's
// record: memory.principals.<name>.
var principalTables = []principalTable{
	{"users", "id BIGINT, name VARCHAR, super BOOLEAN, createdb BOOLEAN, settings VARCHAR, connection_limit INTEGER, valid_until VARCHAR, syslog BOOLEAN"},
	{"groups", "id BIGINT, name VARCHAR"},
	{"group_members", "group_name VARCHAR, user_name VARCHAR"},
	{"roles", "id BIGINT, name VARCHAR, owner VARCHAR"},
	{"role_grants", "role VARCHAR, grantee_kind VARCHAR, grantee VARCHAR, admin BOOLEAN"},
	{"system_grants", "privilege VARCHAR, grantee_kind VARCHAR, grantee VARCHAR"},
	{"databases", "id BIGINT, name VARCHAR, owner VARCHAR, serializable BOOLEAN"},
	{"holders", "user_name VARCHAR, kind VARCHAR, name VARCHAR"},
}

type principalTable struct{ name, columns string }

// variable holds the table's rows as a transaction sees them that changed some.
// A DuckDB transaction writes to one database only, which is not this one.
func (t principalTable) variable() string { return "own_principals_" + t.name }

// principalsScript makes the tables: what is committed, and over it what the
// connection's transaction sees. They are in memory: cluster.json is what counts.
func principalsScript() string {
	var script strings.Builder
	script.WriteString("CREATE SCHEMA committed_principals;\nCREATE SCHEMA principals;\n")
	for _, t := range principalTables {
		fmt.Fprintf(&script, "CREATE TABLE committed_principals.%s (%s);\n", t.name, t.columns)
		fmt.Fprintf(&script, "CREATE VIEW principals.%s AS SELECT * FROM memory.committed_principals.%s WHERE getvariable('%s') IS NULL\n", t.name, t.name, t.variable())
		fmt.Fprintf(&script, "UNION ALL SELECT unnest(getvariable('%s')::STRUCT(%s)[], recursive := true);\n", t.variable(), t.columns)
	}
	return script.String()
}

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

// publish writes the record into the tables of principalsScript. c.mu is held,
// or nobody else knows the cluster yet.
func (c *cluster) publish(ctx context.Context) error {
	conn, err := c.engine.Connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	var script strings.Builder
	script.WriteString("BEGIN;\n")
	rows := c.record.rows()
	for _, t := range principalTables {
		fmt.Fprintf(&script, "DELETE FROM memory.committed_principals.%s;\n", t.name)
		if len(rows[t.name]) > 0 {
			fmt.Fprintf(&script, "INSERT INTO memory.committed_principals.%s VALUES %s;\n", t.name, strings.Join(rows[t.name], ", "))
		}
	}
	script.WriteString("COMMIT;\n")
	return conn.Script(ctx, script.String())
}

// rows are the rows of the tables of principalsScript, by the table's name.
func (r *clusterRecord) rows() map[string][]string {
	out := map[string][]string{}
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
