package lint

import (
	"go/ast"
	"go/token"
	"testing"
)

// TestReturnsDoNotRelyOnOrder: the language does not say whether a variable in a
// return statement is read before or after a call in it that sets the variable.
func TestReturnsDoNotRelyOnOrder(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			r, ok := n.(*ast.ReturnStmt)
			if !ok || len(r.Results) < 2 {
				return true
			}
			set := map[string]bool{}
			for _, e := range r.Results {
				ast.Inspect(e, func(n ast.Node) bool {
					if f, ok := n.(*ast.FuncLit); ok {
						assigned(f, set)
						return false
					}
					return true
				})
			}
			for _, e := range r.Results {
				if x, ok := e.(*ast.Ident); ok && set[x.Name] {
					t.Errorf("%s: returns %s beside a call that sets it", s.set.Position(r.Pos()), x.Name)
				}
			}
			return true
		})
	}
}

// assigned adds the variables from outside that a function sets.
func assigned(f *ast.FuncLit, set map[string]bool) {
	own := map[string]bool{}
	for _, list := range []*ast.FieldList{f.Type.Params, f.Type.Results} {
		if list == nil {
			continue
		}
		for _, field := range list.List {
			for _, name := range field.Names {
				own[name.Name] = true
			}
		}
	}
	names := func(list []ast.Expr, to map[string]bool) {
		for _, e := range list {
			if x, ok := e.(*ast.Ident); ok && !own[x.Name] {
				to[x.Name] = true
			}
		}
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				names(n.Lhs, own)
			} else {
				names(n.Lhs, set)
			}
		case *ast.IncDecStmt:
			names([]ast.Expr{n.X}, set)
		}
		return true
	})
}
