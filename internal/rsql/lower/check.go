package lower

import (
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// numericAggregates are the aggregate functions of numbers whose name the
// engine does not know.
var numericAggregates = map[string]bool{
	"stddev": true, "stddev_samp": true, "stddev_pop": true, "variance": true, "var_samp": true, "var_pop": true, "median": true, "percentile_cont": true,
}

// numericArgument fails where such a function is of texts or booleans.
func (l *lowering) numericArgument(c *syntax.Call, name string) {
	if !numericAggregates[name] || len(c.Args) == 0 {
		return
	}
	x := c.Args[0]
	if len(c.WithinGroup) == 1 {
		x = c.WithinGroup[0].Expr
	}
	switch t := l.typeOf(x); t.Kind {
	case types.Boolean, types.Char, types.Varchar:
		if _, literal := x.(*syntax.String); !literal {
			l.fail(c, sqlerr.UndefinedFunction, "function %s(%s) does not exist", name, t.Base())
		}
	}
}
