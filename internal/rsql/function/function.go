// Package function is the table of Redshift's functions: for each, how it is
// said in DuckDB. It is data; resolve asks whether a function exists, lower how
// to emit it. Nothing else belongs here.
package function

// Kind says how a function reaches DuckDB.
type Kind uint8

// The kinds.
const (
	// Same is a DuckDB function with the same meaning, called Duck or by its own name.
	Same Kind = iota
	// Macro is a macro of duck/prelude.sql: Duck, or rs_ and the name.
	Macro
	// Rule is translated by the rule of lower called Duck.
	Rule
	// Refused is known and not built.
	Refused
	// Leader is a session function that lower answers with a constant.
	Leader
	// Relation is a function in FROM whose rows the catalog gives.
	Relation
	// Catalog is a macro over a database's metadata, which warehouse makes.
	Catalog
)

// Class says where a function can stand.
type Class uint8

// The classes.
const (
	Scalar Class = iota
	Aggregate
	Window
	Table
)

// Function is one row of the table.
type Function struct {
	Name string
	Kind Kind
	Duck string
	// Min and Max are the numbers of arguments; Max -1 for any.
	Min, Max int
	Class    Class
}

// Lookup finds a function by its lower-case name.
func Lookup(name string) (Function, bool) {
	f, ok := table[name]
	return f, ok
}

// All returns the table's names, unordered.
func All() []string {
	names := make([]string, 0, len(table))
	for n := range table {
		names = append(names, n)
	}
	return names
}

// Target is the DuckDB name to call.
func (f Function) Target() string {
	if f.Duck != "" {
		return f.Duck
	}
	if f.Kind == Macro || f.Kind == Catalog {
		return "rs_" + f.Name
	}
	return f.Name
}

// table is built once from rows.
var table = build()

func build() map[string]Function {
	m := make(map[string]Function, 400)
	for _, group := range [][]Function{aggregates, texts, maths, dates, conditionals, semistructured, system, refused, catalog} {
		for _, f := range group {
			m[f.Name] = f
		}
	}
	return m
}
