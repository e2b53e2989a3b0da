package rsql

import (
	"unicode/utf8"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/lower"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// Statement is one statement of a script.
type Statement struct {
	Tree syntax.Statement
	// Text is the statement's text without the semicolon; Offset is its byte
	// offset in the script. Spans in Tree count from the script's start.
	Text   string
	Offset int
	// Params is the number of its parameters; Names are the names of :name
	// parameters (the Data API's), in the order of their numbers.
	Params int
	Names  []string
	// NamedAt is the position of the first :name in the script, in characters
	// from 1.
	NamedAt int
}

// Parse splits a script at its semicolons and parses every statement. Empty
// statements are left out. An error is a *sqlerr.Error whose Position counts
// from the start of sql.
func Parse(sql string) ([]Statement, error) {
	list, err := syntax.Parse(sql)
	if err != nil {
		return nil, err
	}
	out := make([]Statement, len(list))
	for i, p := range list {
		out[i] = Statement{Tree: p.Statement, Text: sql[p.Start:p.End], Offset: p.Start, Params: p.Params, Names: p.Names, NamedAt: p.NamedAt}
	}
	return out, nil
}

// compilation carries one statement through the stages.
type compilation struct {
	tree     syntax.Statement
	catalog  resolve.Catalog
	options  Options
	resolved *resolve.Result
	fired    []lower.Fired
	inferred map[int]types.Type
	lowered  []emit.Statement
	configs  []lower.Config

	momentary bool
}

// Compile resolves, lowers and emits one statement. Errors are *sqlerr.Error.
func Compile(tree syntax.Statement, catalog resolve.Catalog, options Options) (*Plan, error) {
	c := &compilation{tree: tree, catalog: catalog, options: options}
	return c.plan()
}

// CompileExpr compiles an expression that names no columns: a column's default.
func CompileExpr(e syntax.Expr, catalog resolve.Catalog, options Options) (string, error) {
	q := &syntax.Query{Body: &syntax.Select{Items: []syntax.SelectItem{{Expr: e}}}}
	c := &compilation{tree: q, catalog: catalog, options: options}
	if _, err := c.plan(); err != nil {
		return "", err
	}
	return emit.ExprSQL(c.lowered[0].(*emit.Query).Body.(*emit.Select).Items[0].X), nil
}

// position turns a byte offset into the 1-based character reported.
func (c *compilation) position(offset int) int {
	if offset > len(c.options.Text) {
		return offset + 1
	}
	return utf8.RuneCountInString(c.options.Text[:offset]) + 1
}

func (c *compilation) names() resolve.Options {
	o := resolve.Options{CaseSensitive: c.options.CaseSensitive, Insensitive: c.options.Insensitive, Position: c.position}
	if c.options.Settings != nil {
		if v, _ := c.options.Settings("enable_case_sensitive_super_attribute"); v == "on" {
			o.Written = c.written
		}
	}
	return o
}

// written is the text of a name as the statement spells it.
func (c *compilation) written(id syntax.Ident) string {
	at := id.Range()
	if id.Quoted || at.Start < 0 || at.End > len(c.options.Text) || at.Start >= at.End {
		return id.Name
	}
	return c.options.Text[at.Start:at.End]
}

func (c *compilation) plan() (*Plan, error) {
	p := &Plan{Statement: c.tree, Kind: Utility, Tag: tag(c.tree)}
	kind := stage(c.tree)
	if !c.options.CaseSensitive && (kind == Define || kind == Utility || isTableAs(c.tree)) {
		syntax.FoldNames(c.tree)
	}
	if kind == Utility {
		return p, nil
	}
	if err := c.resolve(p); err != nil {
		return nil, err
	}
	c.inferred = map[int]types.Type{}
	p.Inferred = c.inferred
	own, err := c.lower(kind)
	if err != nil {
		return nil, err
	}
	if !own {
		return p, nil
	}
	p.Kind = kind
	for _, s := range c.lowered {
		p.SQL = append(p.SQL, emit.SQL(s))
	}
	p.Params = c.resolved.Params
	p.Configs, p.Momentary = c.configs, c.momentary
	return p, nil
}

// resolve runs the first stage and notes what it found on the plan.
func (c *compilation) resolve(p *Plan) error {
	r, err := resolve.Statement(c.tree, c.catalog, c.names())
	if err != nil {
		return err
	}
	c.resolved = r
	p.Read, p.Written, p.Scans, p.Volatile, p.Used = r.Read, r.Written, r.Scans, r.Volatile, r.Used
	p.Guarded, p.Called = r.Guarded, r.Called
	if q := queryOf(c.tree); q != nil {
		for _, col := range r.Outputs[q] {
			p.Columns = append(p.Columns, col.Name)
			p.Types = append(p.Types, col.Type)
		}
	}
	return nil
}

// queryOf is the query whose columns a statement answers or keeps.
func queryOf(tree syntax.Statement) *syntax.Query {
	switch t := tree.(type) {
	case *syntax.Query:
		return t
	case *syntax.CreateTable:
		return t.As
	case *syntax.CreateView:
		return t.Query
	}
	return nil
}

// lower runs the second stage. It is false where nothing is left to DuckDB.
func (c *compilation) lower(kind Kind) (bool, error) {
	o := c.options
	in := lower.Input{Result: c.resolved, Options: c.names(), Catalog: c.catalog, Params: o.Params, Inferred: c.inferred, Session: lower.Session{
		User: o.User, Database: o.Database, Schema: o.Schema, Insensitive: o.Insensitive, Backend: o.Backend, Settings: o.Settings,
		LastCopyCount: o.LastCopyCount, LastCopyID: o.LastCopyID, LastQueryID: o.LastQueryID, LastUnloadCount: o.LastUnloadCount,
	}}
	if kind == Define || isTableAs(c.tree) {
		list, own, err := lower.Define(into(c.tree), in)
		c.lowered = list
		return own, err
	}
	out, err := lower.Statement(c.tree, in)
	c.lowered, c.fired, c.configs, c.momentary = append(out.Before, out.Statement), out.Fired, out.Configs, out.Momentary
	return true, err
}
