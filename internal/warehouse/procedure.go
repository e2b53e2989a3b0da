package warehouse

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"stepwell/internal/duck"
	"stepwell/internal/plpgsql"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// procedure is a stored procedure as the metadata has it.
type procedure struct {
	oid                 int64
	schema, name, owner string
	args                []procedureArg
	body                string
	definer, nonAtomic  bool
	options             []procedureOption
}

// procedureArg is one argument; Mode is in, out or inout.
type procedureArg struct {
	Mode string   `json:"mode"`
	Name string   `json:"name,omitempty"`
	Type string   `json:"type"` // as written
	Args []string `json:"args,omitempty"`
}

// procedureOption is SET name TO values.
type procedureOption struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

func (a procedureArg) written() syntax.TypeName { return syntax.TypeName{Name: a.Type, Args: a.Args} }

// typ is the argument's type without modifiers, by which procedures are told
// apart.
func (a procedureArg) typ() types.Type {
	t, _ := plpgsql.TypeOf(syntax.TypeName{Name: a.Type})
	return types.Type{Kind: t.Kind}
}

func (a procedureArg) display() string {
	if a.Type == "refcursor" {
		return a.Type
	}
	return a.typ().Base()
}

// inputs are the arguments a call gives.
func (p *procedure) inputs() []procedureArg {
	return slices.DeleteFunc(slices.Clone(p.args), func(a procedureArg) bool { return a.Mode == "out" })
}

// outputs are the columns of a call's result row.
func (p *procedure) outputs() []Column {
	var out []Column
	for _, a := range p.args {
		if a.Mode == "in" {
			continue
		}
		t, _ := plpgsql.TypeOf(a.written())
		name := a.Name
		if name == "" {
			name = fmt.Sprintf("column%d", len(out)+1)
		}
		out = append(out, Column{Name: name, Type: t, Nullable: true})
	}
	return out
}

// signature lists the input types.
func signature(args []procedureArg) string {
	names := make([]string, len(args))
	for i, a := range args {
		names[i] = a.display()
	}
	return strings.Join(names, ", ")
}

func (p *procedure) arguments() []plpgsql.Argument {
	out := make([]plpgsql.Argument, len(p.args))
	for i, a := range p.args {
		out[i] = plpgsql.Argument{Mode: a.Mode, Name: a.Name, Type: a.written()}
	}
	return out
}

// parse parses the body, which is checked anew for every call.
func (p *procedure) parse() (*plpgsql.Procedure, error) {
	proc, err := plpgsql.Parse(p.name, p.arguments(), p.body)
	if err != nil {
		return nil, err
	}
	proc.NonAtomic = p.nonAtomic
	return proc, nil
}

// procedures reads the procedures of a name from the metadata, in the order of
// the search path when the name has no schema.
func (r *running) procedures(name syntax.Name) ([]*procedure, error) {
	path := parts(name)
	schemas := r.session.searchPath()
	if len(path) > 1 {
		schemas = path[len(path)-2 : len(path)-1]
	}
	var all []*procedure
	err := eachRow(r.ctx, r.session.conn, func(c *duck.Chunk, i int) error {
		p := &procedure{
			oid: c.Column(0).Int(i), schema: text(c, 1, i), name: text(c, 2, i), owner: text(c, 3, i), body: text(c, 5, i),
			definer: text(c, 6, i) == "definer", nonAtomic: c.Column(7).Bool(i),
		}
		if err := json.Unmarshal([]byte(text(c, 4, i)), &p.args); err != nil {
			return fmt.Errorf("cannot read procedure %s: %w", p.name, err)
		}
		if err := json.Unmarshal([]byte(text(c, 8, i)), &p.options); err != nil {
			return fmt.Errorf("cannot read procedure %s: %w", p.name, err)
		}
		all = append(all, p)
		return nil
	}, "SELECT oid, schema, name, owner, args, body, security, nonatomic, options FROM "+duck.Ident(r.session.db.name)+"."+metaSchema+
		".procedures WHERE name = $1 ORDER BY oid", path[len(path)-1])
	var out []*procedure
	for _, schemaName := range schemas {
		for _, p := range all {
			hidden := slices.ContainsFunc(out, func(q *procedure) bool { return signature(q.inputs()) == signature(p.inputs()) })
			if p.schema == schemaName && !hidden {
				out = append(out, p)
			}
		}
	}
	return out, err
}

// createRoutine executes CREATE PROCEDURE: the body is checked and kept.
func (r *running) createRoutine(t *syntax.CreateRoutine) (Done, error) {
	if t.Kind != "procedure" {
		return r.createFunction(t)
	}
	if t.Language != "plpgsql" {
		return Done{}, sqlerr.New(sqlerr.UndefinedObject, "language \"%s\" does not exist", t.Language)
	}
	target, err := r.catalog.Target(parts(t.Name), false)
	if err != nil {
		return Done{}, err
	}
	p := &procedure{
		oid: r.session.db.oid(), schema: target[1], name: target[2], owner: r.session.user(), body: t.Body,
		definer: t.Security == "definer", nonAtomic: t.NonAtomic, options: []procedureOption{},
	}
	if p.args, err = procedureArgs(t.Args); err != nil {
		return Done{}, err
	}
	for _, o := range t.Options {
		p.options = append(p.options, procedureOption{o.Value, o.List})
	}
	if t.NonAtomic && len(p.options) > 0 {
		return Done{}, sqlerr.New(sqlerr.FeatureNotSupported, "NONATOMIC stored procedure cannot be created with SET configuration options")
	}
	if _, err := p.parse(); err != nil {
		return Done{}, r.inBody(err, t)
	}
	return Done{Tag: "CREATE PROCEDURE", Rows: -1}, r.keepProcedure(p, t.OrReplace)
}

// inBody moves the position of an error of a body into the script.
func (r *running) inBody(err error, t *syntax.CreateRoutine) error {
	e := *sqlerr.From(err)
	at := t.BodyAt.Start
	if e.Position > 0 && at > 0 && at+len(t.Body) <= len(r.script) && r.script[at:at+len(t.Body)] == t.Body {
		e.Position += utf8.RuneCountInString(r.script[:at])
	} else {
		e.Position = 0
	}
	return &e
}

func procedureArgs(list []syntax.RoutineArg) ([]procedureArg, error) {
	out := []procedureArg{}
	for _, a := range list {
		arg := procedureArg{Mode: a.Mode, Type: a.Type.Name, Args: a.Type.Args}
		if arg.Mode == "" {
			arg.Mode = "in"
		}
		if a.Name != nil {
			arg.Name = a.Name.Name
		}
		if _, err := plpgsql.TypeOf(a.Type); err != nil {
			return nil, err
		}
		out = append(out, arg)
	}
	if len(out) > 32 {
		return nil, sqlerr.New("54023", "procedures cannot have more than 32 arguments")
	}
	return out, nil
}

func (r *running) keepProcedure(p *procedure, replace bool) error {
	same, err := r.exactly(syntax.Name{Parts: []syntax.Ident{{Name: p.schema}, {Name: p.name}}}, p.inputs())
	if err != nil {
		return err
	}
	if same != nil {
		if !replace {
			return sqlerr.New("42723", "function \"%s\" already exists with same argument types", p.name)
		}
		if !slices.EqualFunc(same.outputs(), p.outputs(), func(a, b Column) bool { return a.Type.Kind == b.Type.Kind }) {
			return sqlerr.New("42P13", "cannot change return type of existing function").WithHint("Use DROP FUNCTION first.")
		}
		if err := r.permitReplace("procedure", p.name, same.owner); err != nil {
			return err
		}
		p.oid, p.owner = same.oid, same.owner
		if err := r.meta("DELETE FROM stepwell.procedures WHERE oid = $1", same.oid); err != nil {
			return err
		}
	}
	args, err := json.Marshal(p.args)
	if err != nil {
		return err
	}
	options, err := json.Marshal(p.options)
	if err != nil {
		return err
	}
	security := map[bool]string{true: "definer", false: "invoker"}[p.definer]
	err = r.meta("INSERT INTO stepwell.procedures VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", p.oid, p.schema, p.name, p.owner,
		string(args), signature(p.inputs()), p.body, security, p.nonAtomic, string(options), r.session.cluster.w.clock.Now())
	if err != nil {
		return err
	}
	if same != nil {
		return nil
	}
	return r.giveDefaults(p.oid, "procedure", "function", p.schema, p.owner)
}

// exactly finds the procedure with just these input types, nil if there is none.
func (r *running) exactly(name syntax.Name, inputs []procedureArg) (*procedure, error) {
	list, err := r.procedures(name)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(p *procedure) bool { return signature(p.inputs()) == signature(inputs) })
	if i < 0 {
		return nil, nil
	}
	return list[i], nil
}

// named finds the procedure DROP, ALTER and SHOW PROCEDURE mean: the one with
// these types, or the only one of its name.
func (r *running) named(name syntax.Name, list []syntax.TypeName, given bool) (*procedure, error) {
	if !given {
		found, err := r.procedures(name)
		switch {
		case err != nil || len(found) == 1:
			return append(found, nil)[0], err
		case len(found) > 1:
			return nil, sqlerr.New("42725", "procedure name \"%s\" is not unique", name.Last().Name)
		}
		return nil, sqlerr.New(sqlerr.UndefinedFunction, "could not find a procedure named \"%s\"", name.Last().Name)
	}
	var inputs []procedureArg
	for _, t := range list {
		if _, err := plpgsql.TypeOf(t); err != nil {
			return nil, err
		}
		inputs = append(inputs, procedureArg{Type: t.Name})
	}
	p, err := r.exactly(name, inputs)
	if err == nil && p == nil {
		err = sqlerr.New(sqlerr.UndefinedFunction, "procedure %s(%s) does not exist", strings.Join(parts(name), "."), signature(inputs))
	}
	return p, err
}

// dropProcedures executes DROP PROCEDURE.
func (r *running) dropProcedures(t *syntax.Drop) error {
	for _, name := range t.Names {
		p, err := r.named(name, t.Args, t.HasArgs)
		if e := sqlerr.From(errorOr(err)); err != nil && t.IfExists && e.Code == sqlerr.UndefinedFunction {
			r.sink.Notice(&sqlerr.Error{Severity: "INFO", Code: "00000", Message: strings.TrimSuffix(e.Message, " does not exist") + " does not exist and will be skipped"})
			continue
		}
		if err != nil {
			return err
		}
		if err := r.meta("DELETE FROM stepwell.acl WHERE oid = $1 AND kind = 'function'", p.oid); err != nil {
			return err
		}
		if err := r.meta("DELETE FROM stepwell.procedures WHERE oid = $1", p.oid); err != nil {
			return err
		}
	}
	return nil
}

// errorOr gives sqlerr.From something to look at when there is no error.
func errorOr(err error) error {
	if err == nil {
		return &sqlerr.Error{}
	}
	return err
}

// alterProcedure executes ALTER PROCEDURE.
func (r *running) alterProcedure(t *syntax.AlterRoutine) (Done, error) {
	if t.Kind != "procedure" {
		return r.alterFunction(t)
	}
	p, err := r.named(t.Name, t.Args, t.Args != nil)
	if err != nil {
		return Done{}, err
	}
	done := Done{Tag: "ALTER PROCEDURE", Rows: -1}
	if t.OwnerTo != nil {
		return done, r.give("procedures", p.oid, t.OwnerTo.Name)
	}
	if t.RenameTo == nil {
		return Done{}, sqlerr.NotImplemented("ALTER PROCEDURE of this kind")
	}
	same, err := r.exactly(syntax.Name{Parts: []syntax.Ident{{Name: p.schema}, *t.RenameTo}}, p.inputs())
	if err != nil {
		return Done{}, err
	}
	if same != nil {
		return Done{}, sqlerr.New("42723", "function \"%s\" already exists with same argument types", t.RenameTo.Name)
	}
	return done, r.meta("UPDATE stepwell.procedures SET name = $1 WHERE oid = $2", t.RenameTo.Name, p.oid)
}

var definitionColumn = []Column{{Name: "Stored Procedure Definition", Type: textColumn}}

// showProcedure executes SHOW PROCEDURE.
func (r *running) showProcedure(t *syntax.Show) (Done, error) {
	p, err := r.named(t.Object, t.Args, t.HasArgs)
	if err != nil {
		return Done{}, err
	}
	return Done{Tag: "SHOW", Rows: 1, HasRows: true}, r.session.rowsOf(r.sink, definitionColumn, [][]string{{p.definition()}})
}

// definition is the procedure as SHOW PROCEDURE prints it.
func (p *procedure) definition() string {
	args := make([]string, len(p.args))
	for i, a := range p.args {
		var words []string
		if a.Mode != "in" {
			words = append(words, strings.ToUpper(a.Mode))
		}
		if a.Name != "" {
			words = append(words, a.Name)
		}
		args[i] = strings.Join(append(words, a.display()), " ")
	}
	var out strings.Builder
	fmt.Fprintf(&out, "CREATE OR REPLACE PROCEDURE %s.%s(%s)\n", p.schema, p.name, strings.Join(args, ", "))
	if p.nonAtomic {
		out.WriteString("NONATOMIC\n")
	}
	out.WriteString("LANGUAGE plpgsql\n")
	if p.definer {
		out.WriteString("SECURITY DEFINER\n")
	}
	fmt.Fprintf(&out, "AS $_$%s$_$", p.body)
	for _, o := range p.options {
		fmt.Fprintf(&out, "\nSET %s TO %s", o.Name, strings.Join(o.Values, ", "))
	}
	return out.String()
}

// noProcedures fails where a schema that is to be dropped holds procedures.
func (r *running) noProcedures(schemaName string) error {
	n, err := queryInt(r.ctx, r.session.conn, "SELECT count(*) FROM "+duck.Ident(r.session.db.name)+"."+metaSchema+".procedures WHERE schema = $1", schemaName)
	if err == nil && n > 0 {
		err = sqlerr.New(sqlerr.DependentObjectsStillExist, "cannot drop schema %s because other objects depend on it", schemaName).
			WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
	}
	return err
}
