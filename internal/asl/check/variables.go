package check

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"stepwell/internal/asl/syntax"
)

// maxVariable is the longest name of a variable, in characters.
const maxVariable = 80

// variables checks the names under an Assign: identifiers of Unicode Annex 31 of at
// most 80 characters, and not the reserved one (developer guide, "Passing data
// between states with variables"). The service takes a name that a machine around
// this one assigns too, whatever the guide says.
func (c *checker) variables(n *syntax.Node, at string, jsonata bool) {
	if n == nil || c.Accepted {
		return
	}
	for _, v := range n.Members {
		name := v.Name
		if !jsonata {
			name = strings.TrimSuffix(name, ".$")
		}
		switch {
		case name == "states":
			c.add(syntax.SchemaFailed, at, v.NameSpan, "", "The variable name '%s' is reserved", name)
		case utf8.RuneCountInString(name) > maxVariable:
			c.add(syntax.SchemaFailed, at, v.NameSpan, "", "The variable name '%s' must be at most %d characters long", name, maxVariable)
		case !identifier(name):
			c.add(syntax.SchemaFailed, at, v.NameSpan, "", "The variable name '%s' is not valid", name)
		}
	}
}

// identifier reports whether a name begins with an ID_Start (or, as in JSONata,
// an underscore) and goes on with ID_Continue characters.
func identifier(name string) bool {
	for i, r := range name {
		start := r == '_' || unicode.In(r, unicode.L, unicode.Nl, unicode.Other_ID_Start)
		if !start && (i == 0 || !unicode.In(r, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, unicode.Other_ID_Continue)) {
			return false
		}
	}
	return name != ""
}
