package lower

import (
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
)

// regexMatch lowers ~ and its kin: a search, where DuckDB's ~ matches the whole text.
func regexMatch(l *lowering, e syntax.Expr) emit.Expr {
	b, ok := e.(*syntax.Binary)
	if !ok || b.Op != "~" && b.Op != "~*" && b.Op != "!~" && b.Op != "!~*" {
		return nil
	}
	args := []emit.Expr{l.expr(l.textual(b.L)), l.expr(l.textual(b.R))}
	if strings.HasSuffix(b.Op, "*") {
		args = append(args, &emit.Str{Value: "i"})
	}
	var x emit.Expr = call("regexp_matches", args...)
	if b.Op[0] == '!' {
		x = &emit.Prefix{Op: "NOT", X: x}
	}
	return x
}

// likeEscape gives LIKE the escape character it has by default in Redshift, the
// backslash, unless the pattern is known to have none.
func likeEscape(l *lowering, e syntax.Expr) emit.Expr {
	k, ok := e.(*syntax.Like)
	if !ok || k.Kind == "similar to" {
		return nil
	}
	if k.Escape != nil {
		if s, ok := k.Escape.(*syntax.String); ok && s.Value == "" {
			k2 := *k
			k2.Escape = nil
			return l.predicate(&k2)
		}
		return nil
	}
	if s, ok := k.Pattern.(*syntax.String); ok && !strings.Contains(s.Value, `\`) {
		return nil
	}
	x := l.predicate(k).(*emit.Like)
	x.Escape = &emit.Str{Value: `\`}
	return x
}

// similarTo turns an SQL regular expression into RE2. A pattern that is not a
// constant goes through the macro rs_similar_pattern.
func similarTo(l *lowering, e syntax.Expr) emit.Expr {
	k, ok := e.(*syntax.Like)
	if !ok || k.Kind != "similar to" {
		return nil
	}
	escape := `\`
	if s, ok := k.Escape.(*syntax.String); ok {
		escape = s.Value
	}
	var pattern emit.Expr
	if s, ok := k.Pattern.(*syntax.String); ok {
		pattern = &emit.Str{Value: similarPattern(s.Value, escape)}
	} else {
		pattern = call("rs_similar_pattern", l.expr(k.Pattern))
	}
	var x emit.Expr = call("regexp_full_match", l.expr(l.textual(k.X)), pattern)
	if k.Not {
		x = &emit.Prefix{Op: "NOT", X: x}
	}
	return x
}

// similarPattern translates: % and _ are wild, the dot, ^ and $ are plain
// characters, the other operators are those of regular expressions.
func similarPattern(p, escape string) string {
	var b strings.Builder
	b.WriteString("(?s)")
	class := false
	for i := 0; i < len(p); i++ {
		c := p[i]
		switch {
		case escape != "" && strings.HasPrefix(p[i:], escape) && i+len(escape) < len(p):
			i += len(escape)
			if strings.IndexByte(`\.+*?()|[]{}^$`, p[i]) >= 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(p[i])
		case class:
			class = c != ']'
			b.WriteByte(c)
		case c == '[':
			class = true
			b.WriteByte(c)
		case c == '%':
			b.WriteString(".*")
		case c == '_':
			b.WriteByte('.')
		case c == '.' || c == '^' || c == '$' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
