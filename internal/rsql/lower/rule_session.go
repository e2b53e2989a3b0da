package lower

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/function"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// Version is what version() answers: the text drivers look into.
const Version = "PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.51973"

// sessionFunction answers the functions that speak of the session with
// constants, and those of the time with DuckDB's transaction time.
func sessionFunction(l *lowering, e syntax.Expr) emit.Expr {
	c, ok := e.(*syntax.Call)
	if !ok {
		return nil
	}
	f, ok := function.Lookup(c.Name.Last().Name)
	if !ok || f.Kind != function.Leader {
		return nil
	}
	integer := func(n int64, t string) emit.Expr {
		return &emit.Cast{X: &emit.Num{Text: strconv.FormatInt(n, 10)}, Type: t}
	}
	s := l.Session
	l.momentary = l.momentary || strings.Contains(f.Name, "last_")
	switch f.Name {
	case "current_user", "session_user", "user":
		return &emit.Str{Value: s.User}
	case "current_database":
		return &emit.Str{Value: s.Database}
	case "current_schema":
		if s.Schema == "" {
			return null()
		}
		return &emit.Str{Value: s.Schema}
	case "current_schemas":
		return &emit.List{Items: []emit.Expr{&emit.Str{Value: "pg_catalog"}, &emit.Str{Value: s.Schema}}}
	case "version":
		return &emit.Str{Value: Version}
	case "pg_backend_pid":
		return integer(int64(s.Backend), "INTEGER")
	case "pg_last_copy_count":
		return integer(s.LastCopyCount, "BIGINT")
	case "pg_last_copy_id":
		return integer(s.LastCopyID, "INTEGER")
	case "pg_last_query_id":
		return integer(s.LastQueryID, "INTEGER")
	case "pg_last_unload_count":
		return integer(s.LastUnloadCount, "BIGINT")
	case "pg_last_unload_id":
		return integer(s.LastQueryID, "INTEGER")
	case "slice_num":
		return integer(0, "INTEGER")
	case "current_aws_account":
		return &emit.Str{Value: "000000000000"}
	case "last_user_query_id":
		return integer(s.LastQueryID, "BIGINT")
	case "current_namespace":
		return &emit.Str{Value: namespace(s.Database)}
	case "set_config":
		return l.setConfig(c)
	case "current_setting":
		return l.setting(c)
	}
	return l.timeFunction(f.Name)
}

// timeFunction gives the start of the transaction in the type asked for.
func (l *lowering) timeFunction(name string) emit.Expr {
	switch name {
	case "current_date":
		return &emit.Word{Text: "current_date"}
	case "current_time":
		return &emit.Cast{X: &emit.Word{Text: "current_timestamp"}, Type: "TIMETZ"}
	case "localtime":
		return &emit.Cast{X: &emit.Cast{X: &emit.Word{Text: "current_timestamp"}, Type: "TIMESTAMP"}, Type: "TIME"}
	case "current_timestamp", "now":
		return &emit.Word{Text: "current_timestamp"}
	}
	return &emit.Cast{X: &emit.Word{Text: "current_timestamp"}, Type: "TIMESTAMP"}
}

func (l *lowering) setting(c *syntax.Call) emit.Expr {
	name, ok := c.Args[0].(*syntax.String)
	if !ok {
		l.missing(c, "current_setting of a name that is not a constant")
	}
	if l.Session.Settings != nil {
		if v, ok := l.Session.Settings(strings.ToLower(name.Value)); ok {
			return &emit.Str{Value: v}
		}
	}
	l.fail(c, sqlerr.UndefinedObject, "unrecognized configuration parameter \"%s\"", name.Value)
	return nil
}

// namespace makes up the identifier of the cluster's namespace: the same one
// for the same database, in the form AWS's have.
func namespace(database string) string {
	sum := sha256.Sum256([]byte(database))
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// setConfig lowers SET_CONFIG to the new value; the caller of the plan sets it.
func (l *lowering) setConfig(c *syntax.Call) emit.Expr {
	name, ok1 := c.Args[0].(*syntax.String)
	value, ok2 := c.Args[1].(*syntax.String)
	local, ok3 := c.Args[2].(*syntax.Bool)
	if !ok1 || !ok2 || !ok3 {
		l.missing(c, "set_config with arguments that are not constants")
	}
	l.configs = append(l.configs, Config{Name: strings.ToLower(name.Value), Value: value.Value, Local: local.Value})
	return &emit.Str{Value: value.Value}
}
