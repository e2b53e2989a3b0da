package lower

import (
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
)

// PythonFunction is the DuckDB function through which functions in Python run:
// stepwell_python(function, arguments...), all of them text.
func PythonFunction(volatile bool) string {
	if volatile {
		return "stepwell_python_volatile"
	}
	return "stepwell_python"
}

// python lowers the call of a function in Python. Arguments go as text and the
// result comes as text that a plain cast reads.
func (l *lowering) python(c *syntax.Call, u *resolve.UserFunction) emit.Expr {
	args := []emit.Expr{&emit.Str{Value: u.Python}}
	for i, a := range c.Args {
		x := l.expr(&syntax.Cast{Pos: c.Pos, X: a, Type: u.Args[i], Style: syntax.CastFunc})
		args = append(args, &emit.Cast{X: x, Type: "VARCHAR"})
	}
	return &emit.Cast{X: call(PythonFunction(u.Volatile), args...), Type: l.typeOfName(u.Returns).Duck()}
}
