package wire

import (
	"regexp"
	"strings"
)

// pattern is a constraint's regular expression. AWS's are Java's: they must
// match the whole value.
type pattern struct {
	ahead []lookahead // leading (?=...) and (?!...), which Go's do not have
	apart []string    // x(?!y) of two characters within: xy does not occur
	whole *regexp.Regexp
}

type lookahead struct {
	re   *regexp.Regexp
	want bool
}

func (p *pattern) matches(s string) bool {
	for _, a := range p.ahead {
		if a.re.MatchString(s) != a.want {
			return false
		}
	}
	for _, a := range p.apart {
		if strings.Contains(s, a) {
			return false
		}
	}
	return p.whole == nil || p.whole.MatchString(s)
}

// pattern compiles an expression once. One that Go cannot run constrains
// nothing; a test lists those of the generated models.
func (c *Codec) pattern(expr string) *pattern {
	if p, ok := c.patterns.Load(expr); ok {
		return p.(*pattern)
	}
	p, err := compilePattern(expr)
	if err != nil {
		p = &pattern{}
	}
	c.patterns.Store(expr, p)
	return p
}

func compilePattern(expr string) (*pattern, error) {
	p := &pattern{}
	rest := strings.TrimPrefix(expr, "^")
	for strings.HasPrefix(rest, "(?=") || strings.HasPrefix(rest, "(?!") {
		end := closing(rest)
		if end < 0 {
			break
		}
		re, err := regexp.Compile(`\A(?:` + goSyntax(rest[3:end]) + `)`)
		if err != nil {
			return nil, err
		}
		p.ahead = append(p.ahead, lookahead{re, rest[2] == '='})
		rest = rest[end+1:]
	}
	rest = notFollowed.ReplaceAllStringFunc(rest, func(m string) string {
		p.apart = append(p.apart, m[:1]+m[4:5])
		return m[:1]
	})
	var err error
	p.whole, err = regexp.Compile(`\A(?:` + goSyntax(rest) + `)\z`)
	return p, err
}

// notFollowed is a literal character, and another that must not follow it.
var notFollowed = regexp.MustCompile(`[-a-zA-Z0-9]\(\?![-a-zA-Z0-9]\)`)

// closing finds the parenthesis that closes the one at the start of s, -1 when
// there is none.
func closing(s string) int {
	depth, class := 0, false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '[':
			class = true
		case ']':
			class = false
		case '(':
			if !class {
				depth++
			}
		case ')':
			if !class {
				if depth--; depth == 0 {
					return i
				}
			}
		}
	}
	return -1
}

var surrogatePair = strings.NewReplacer(
	`\uD800\uDC00-\uDBFF\uDFFF`, `\x{10000}-\x{10FFFF}`,
	`\u10000-\u10FFFF`, `\x{10000}-\x{10FFFF}`,
	`\uD7FF`, `\x{D7FF}`,
)

var javaUnicode = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)

// goSyntax rewrites what Java's syntax and Go's have in common but spell
// differently.
func goSyntax(expr string) string {
	return javaUnicode.ReplaceAllString(surrogatePair.Replace(expr), `\x{$1}`)
}
