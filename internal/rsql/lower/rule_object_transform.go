package lower

import (
	"encoding/json"
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// objectTransform lowers OBJECT_TRANSFORM. Its paths are constants, read here;
// the values of SET go along as one array.
func objectTransform(l *lowering, c *syntax.Call) emit.Expr {
	t := c.Transform
	if t == nil || len(t.Keep) == 0 && len(t.Set) == 0 {
		return call("rs_super", l.expr(c.Args[0]))
	}
	if len(t.Keep) == 0 {
		// The reference says that the output has what KEEP and SET name, and that
		// KEEP may be left out: not what remains of the input then.
		l.missing(c, "OBJECT_TRANSFORM with SET and without KEEP")
	}
	paths := struct {
		Keep [][]string `json:"keep"`
		Set  [][]string `json:"set"`
	}{l.objectPaths(c, t.Keep), l.objectPaths(c, t.Set)}
	text, err := json.Marshal(paths)
	if err != nil {
		l.fail(c, sqlerr.InternalError, "cannot write paths: %v", err)
	}
	return call("rs_object_transform", l.expr(c.Args[0]), &emit.Str{Value: string(text)}, call("json_array", l.exprs(c.Args[1:])...))
}

// objectPaths takes paths apart: names in double quotes with dots between.
func (l *lowering) objectPaths(c *syntax.Call, list []string) [][]string {
	out := [][]string{}
	for _, written := range list {
		var path []string
		rest, ok := written, true
		for ok {
			var name string
			if rest, ok = strings.CutPrefix(rest, `"`); !ok {
				break
			}
			if name, rest, ok = strings.Cut(rest, `"`); !ok || name == "" {
				ok = false
				break
			}
			if path = append(path, name); rest == "" {
				break
			}
			rest, ok = strings.CutPrefix(rest, ".")
		}
		if !ok {
			l.fail(c, sqlerr.InvalidParameterValue, "invalid path %s in OBJECT_TRANSFORM: a path is names in double quotes, with periods between them", written)
		}
		out = append(out, path)
	}
	return out
}
