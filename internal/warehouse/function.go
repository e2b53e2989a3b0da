package warehouse

import (
	"encoding/json"
	"fmt"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// sqlFunction is a user-defined scalar function in SQL as the metadata has it.
// Calls are inlined by the compiler; nothing of it stands in DuckDB.
type sqlFunction struct {
	oid          int64
	schema, name string
	owner        string
	args         []syntax.TypeName
	returns      syntax.TypeName
	body         string
	language     string
	volatility   string
	names        []string // of the arguments, in Python
}

// keptType is a written type in the metadata.
type keptType struct {
	Name string   `json:"name"`
	Args []string `json:"args,omitempty"`
	Of   string   `json:"of,omitempty"` // the argument's name
}

// Functions implements resolve.Catalog.
func (c *catalog) Functions(path []string) ([]*resolve.UserFunction, error) {
	c.asked = true
	list, err := c.functions(path)
	out := make([]*resolve.UserFunction, len(list))
	for i, f := range list {
		out[i] = &resolve.UserFunction{Args: f.args, Returns: f.returns, Body: f.body, Handle: f}
		if f.language == pythonLanguage {
			out[i].Python, out[i].Volatile = c.session.pythonCall(f), f.volatility != "immutable" && f.volatility != "stable"
		}
	}
	return out, err
}

// functions reads the functions of a name, in the order of the search path when
// the name has no schema.
func (c *catalog) functions(path []string) ([]*sqlFunction, error) {
	if c.session.conn == nil {
		return nil, nil
	}
	var all []*sqlFunction
	err := eachRow(c.ctx, c.session.conn, func(k *duck.Chunk, i int) error {
		f := &sqlFunction{oid: k.Column(0).Int(i), schema: text(k, 1, i), name: text(k, 2, i), body: text(k, 5, i), language: text(k, 6, i), volatility: text(k, 7, i), owner: text(k, 8, i)}
		var args []keptType
		var returns keptType
		if err := json.Unmarshal([]byte(text(k, 3, i)), &args); err != nil {
			return fmt.Errorf("cannot read function %s: %w", f.name, err)
		}
		if err := json.Unmarshal([]byte(text(k, 4, i)), &returns); err != nil {
			return fmt.Errorf("cannot read function %s: %w", f.name, err)
		}
		for _, a := range args {
			f.args, f.names = append(f.args, syntax.TypeName{Name: a.Name, Args: a.Args}), append(f.names, a.Of)
		}
		f.returns = syntax.TypeName{Name: returns.Name, Args: returns.Args}
		all = append(all, f)
		return nil
	}, "SELECT oid, schema, name, args, returns, body, language, volatility, owner FROM "+duck.Ident(c.session.db.name)+"."+metaSchema+
		".functions WHERE name = $1 ORDER BY oid", path[len(path)-1])
	schemas := c.session.searchPath()
	if len(path) > 1 {
		schemas = path[len(path)-2 : len(path)-1]
	}
	var out []*sqlFunction
	for _, name := range schemas {
		for _, f := range all {
			if f.schema == name {
				out = append(out, f)
			}
		}
	}
	return out, err
}

// typesSignature lists types without their modifiers.
func typesSignature(list []syntax.TypeName) (string, error) {
	names := make([]string, len(list))
	for i, n := range list {
		t, err := types.Parse(n.Name, nil, n.Nested)
		if err != nil {
			return "", err
		}
		names[i] = t.Base()
	}
	return strings.Join(names, ", "), nil
}

// createFunction executes CREATE FUNCTION ... LANGUAGE sql.
func (r *running) createFunction(t *syntax.CreateRoutine) (Done, error) {
	switch {
	case t.External:
		return Done{}, sqlerr.NotImplemented("CREATE EXTERNAL FUNCTION")
	case t.Language != "sql" && t.Language != pythonLanguage:
		return Done{}, sqlerr.NotImplemented("CREATE FUNCTION in language " + t.Language)
	case t.Returns == nil:
		return Done{}, sqlerr.New("42P13", "function result type must be specified")
	}
	target, err := r.catalog.Target(parts(t.Name), false)
	if err != nil {
		return Done{}, err
	}
	kept, args := []keptType{}, make([]syntax.TypeName, len(t.Args))
	for i, a := range t.Args {
		of := ""
		switch {
		case t.Language == pythonLanguage && a.Name == nil:
			return Done{}, sqlerr.New("42P13", "argument %d of a Python function has no name", i+1)
		case t.Language == pythonLanguage:
			of = a.Name.Name
		case a.Name != nil:
			return Done{}, sqlerr.New("42P13", "SQL function arguments must not have names: %s is $%d in the body", a.Name.Name, i+1)
		}
		args[i] = a.Type
		kept = append(kept, keptType{a.Type.Name, a.Type.Args, of})
	}
	if _, err := typesSignature(append(args, *t.Returns)); err != nil {
		return Done{}, err
	}
	signature, err := typesSignature(args)
	if err != nil {
		return Done{}, err
	}
	if t.Language == pythonLanguage {
		err = pythonTypes(append(args, *t.Returns))
	} else if _, err = resolve.Body(t.Body); err != nil {
		err = r.inBody(err, t)
	}
	if err != nil {
		return Done{}, err
	}
	oid, owner, err := r.replaceFunction(target, signature, t.OrReplace)
	if err != nil {
		return Done{}, err
	}
	arguments, err := json.Marshal(kept)
	if err != nil {
		return Done{}, err
	}
	returns, err := json.Marshal(keptType{t.Returns.Name, t.Returns.Args, ""})
	if err != nil {
		return Done{}, err
	}
	if oid == 0 {
		oid, owner = r.session.db.oid(), r.session.user()
		if err := r.openFunction(oid, target[1], owner); err != nil {
			return Done{}, err
		}
	}
	return Done{Tag: "CREATE FUNCTION", Rows: -1}, r.meta("INSERT INTO stepwell.functions VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, true)",
		oid, target[1], target[2], owner, string(arguments), signature, string(returns), t.Language, t.Volatility, t.Body,
		r.session.cluster.w.clock.Now())
}

// openFunction gives a new function its privileges: what default privileges
// say, and EXECUTE for PUBLIC unless they say otherwise ("GRANT").
func (r *running) openFunction(oid int64, schemaName, owner string) error {
	if err := r.giveDefaults(oid, "function", "function", schemaName, owner); err != nil {
		return err
	}
	return r.meta(`INSERT INTO stepwell.acl SELECT $1, 'function', '', 'execute', 'public', '', $2, false
		WHERE NOT EXISTS (SELECT 1 FROM stepwell.default_acl d WHERE d.owner = $2 AND d.kind = 'function' AND d.privilege = '-execute' AND d.schema IN ('', $3))
			AND NOT EXISTS (SELECT 1 FROM stepwell.acl a WHERE a.oid = $1 AND a.kind = 'function' AND a.grantee_kind = 'public')`, oid, owner, schemaName)
}

// replaceFunction makes room for a function of this signature.
func (r *running) replaceFunction(target []string, signature string, replace bool) (oid int64, owner string, err error) {
	err = eachRow(r.ctx, r.session.conn, func(c *duck.Chunk, row int) error {
		oid, owner = c.Column(0).Int(row), text(c, 1, row)
		return nil
	}, "SELECT oid, owner FROM stepwell.functions WHERE schema = $1 AND name = $2 AND signature = $3", target[1], target[2], signature)
	if err != nil || oid == 0 {
		return 0, "", err
	}
	if !replace {
		return 0, "", sqlerr.New("42723", "function \"%s\" already exists with same argument types", target[2])
	}
	if err := r.permitReplace("function", target[2], owner); err != nil {
		return 0, "", err
	}
	return oid, owner, r.meta("DELETE FROM stepwell.functions WHERE oid = $1", oid)
}

// functionNamed finds the function that DROP and ALTER FUNCTION mean.
func (r *running) functionNamed(name syntax.Name, args []syntax.TypeName) (*sqlFunction, error) {
	signature, err := typesSignature(args)
	if err != nil {
		return nil, err
	}
	c := r.catalog
	if c == nil {
		c = &catalog{ctx: r.ctx, session: r.session}
	}
	list, err := c.functions(parts(name))
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		if own, _ := typesSignature(f.args); own == signature {
			return f, nil
		}
	}
	return nil, sqlerr.New(sqlerr.UndefinedFunction, "function %s(%s) does not exist", strings.Join(parts(name), "."), signature)
}

func (r *running) dropFunctions(t *syntax.Drop) error {
	for _, name := range t.Names {
		f, err := r.functionNamed(name, t.Args)
		if err != nil && t.IfExists && sqlerr.From(err).Code == sqlerr.UndefinedFunction {
			r.sink.Notice(&sqlerr.Error{Severity: "INFO", Code: "00000", Message: sqlerr.From(err).Message + " and will be skipped"})
			continue
		}
		if err != nil {
			return err
		}
		if err := r.meta("DELETE FROM stepwell.acl WHERE oid = $1 AND kind = 'function'", f.oid); err != nil {
			return err
		}
		if err := r.meta("DELETE FROM stepwell.functions WHERE oid = $1", f.oid); err != nil {
			return err
		}
	}
	return nil
}

func (r *running) alterFunction(t *syntax.AlterRoutine) (Done, error) {
	f, err := r.functionNamed(t.Name, t.Args)
	if err != nil {
		return Done{}, err
	}
	done := Done{Tag: "ALTER FUNCTION", Rows: -1}
	if t.RenameTo != nil {
		return done, r.meta("UPDATE stepwell.functions SET name = $1 WHERE oid = $2", t.RenameTo.Name, f.oid)
	}
	if t.OwnerTo != nil {
		return done, r.give("functions", f.oid, t.OwnerTo.Name)
	}
	return Done{}, sqlerr.NotImplemented("ALTER FUNCTION of this kind")
}
