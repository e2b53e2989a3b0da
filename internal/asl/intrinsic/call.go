// Package intrinsic parses and evaluates the intrinsic functions of the States
// Language (States.Format and its kin).
//
// Argument paths are evaluated by the caller through Env. The packages of asl
// import it. What each function does: Step Functions developer guide,
// "Intrinsics for JSONPath states".
package intrinsic

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"stepwell/internal/asl/jsonpath"
	"stepwell/internal/asl/value"
	"stepwell/internal/diag"
)

// MaxDepth bounds the nesting of calls, as the service does.
const MaxDepth = 10

// Call is a parsed function call. It is immutable.
type Call struct {
	Name string // "States.Format"
	Text string // as written
	args []arg
}

type arg struct {
	text    *string // a string literal with its escapes in place
	literal value.Value
	path    *jsonpath.Path
	call    *Call
}

// IsCall reports whether text looks like a call rather than a path.
func IsCall(text string) bool { return strings.HasPrefix(text, "States.") }

// Paths calls f for every path among the arguments, nested ones too.
func (c *Call) Paths(f func(*jsonpath.Path)) {
	for _, a := range c.args {
		if a.path != nil {
			f(a.path)
		}
		if a.call != nil {
			a.call.Paths(f)
		}
	}
}

// Nearest is the function whose name a call that cannot be parsed has probably
// misspelt; "" where there is none, or the name is right.
func Nearest(text string) string {
	name, _, found := strings.Cut(text, "(")
	name = strings.TrimSpace(name)
	if _, known := functions[name]; !found || known {
		return ""
	}
	return diag.Nearest(name, slices.Sorted(maps.Keys(functions)))
}

// Parse reads one call.
func Parse(text string) (*Call, error) {
	p := &parser{text: text}
	c, err := p.call(1)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.at < len(p.text) {
		return nil, p.fault("unexpected %q", p.text[p.at:])
	}
	return c, nil
}

type parser struct {
	text string
	at   int
}

func (p *parser) fault(format string, args ...any) error {
	return fmt.Errorf("cannot parse intrinsic function %q at offset %d: %s", p.text, p.at, fmt.Sprintf(format, args...))
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *parser) call(depth int) (*Call, error) {
	p.space()
	start := p.at
	open := strings.IndexByte(p.text[p.at:], '(')
	if open < 0 {
		return nil, p.fault("( is missing")
	}
	c := &Call{Name: strings.TrimSpace(p.text[p.at : p.at+open])}
	f, known := functions[c.Name]
	switch {
	case !known:
		return nil, p.fault("there is no function %s", c.Name)
	case depth > MaxDepth:
		return nil, p.fault("calls are nested deeper than %d", MaxDepth)
	}
	p.at += open + 1
	p.space()
	for first := true; ; first = false {
		p.space()
		if p.at < len(p.text) && p.text[p.at] == ')' && first {
			break
		}
		a, err := p.arg(depth)
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, a)
		p.space()
		if p.at >= len(p.text) || p.text[p.at] != ',' {
			break
		}
		p.at++
	}
	if p.at >= len(p.text) || p.text[p.at] != ')' {
		return nil, p.fault(") is missing")
	}
	p.at++
	c.Text = p.text[start:p.at]
	if n := len(c.args); n < f.least || n > f.most {
		return nil, p.fault("%s does not take %d arguments", c.Name, n)
	}
	return c, nil
}

func (p *parser) arg(depth int) (arg, error) {
	rest := p.text[p.at:]
	switch {
	case rest == "":
		return arg{}, p.fault("an argument is missing")
	case rest[0] == '\'':
		return p.quoted()
	case rest[0] == '$':
		return p.path()
	case IsCall(rest):
		c, err := p.call(depth + 1)
		return arg{call: c}, err
	}
	n := strings.IndexAny(rest, ",) \t\r\n")
	if n < 0 {
		return arg{}, p.fault(") is missing")
	}
	v, err := value.Parse([]byte(rest[:n]))
	if err != nil || rest[0] == '"' || rest[0] == '[' || rest[0] == '{' {
		return arg{}, p.fault("%q is not an argument", rest[:n])
	}
	p.at += n
	return arg{literal: v}, nil
}

func (p *parser) quoted() (arg, error) {
	start := p.at + 1
	for p.at++; p.at < len(p.text); p.at++ {
		switch p.text[p.at] {
		case '\\':
			p.at++
			if p.at >= len(p.text) || strings.IndexByte(`'{}\`, p.text[p.at]) < 0 {
				return arg{}, p.fault("only ' { } and \\ may follow a backslash")
			}
		case '\'':
			p.at++
			return arg{text: new(p.text[start : p.at-1])}, nil
		}
	}
	return arg{}, p.fault("the quote is not closed")
}

// path takes everything up to the comma or parenthesis that ends the argument.
func (p *parser) path() (arg, error) {
	start, depth := p.at, 0
	for ; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; c {
		case '[', '(':
			depth++
		case '\'', '"':
			if depth > 0 {
				if i := strings.IndexByte(p.text[p.at+1:], c); i >= 0 {
					p.at += i + 1
				}
			}
		case ']':
			depth--
		case ')':
			depth--
		}
		if depth < 0 || depth == 0 && p.text[p.at] == ',' {
			break
		}
	}
	path, err := jsonpath.Parse(strings.TrimSpace(p.text[start:p.at]))
	return arg{path: path}, err
}

// unescape resolves the backslashes of a literal that is not a template.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
