package glue

import (
	"strings"
	"unicode"

	"stepwell/internal/awsapi/glue"
)

// The filter language of GetPartitions: comparisons of partition keys with
// literals (=, <>, !=, <, <=, >, >=, IN, BETWEEN, LIKE, IS NULL), joined by
// AND, OR, NOT and parentheses (Glue API reference, GetPartitions, Expression).

// truth is SQL's three-valued logic.
type truth int8

const (
	isFalse truth = iota - 1
	isUnknown
	isTrue
)

func truthOf(b bool) truth {
	if b {
		return isTrue
	}
	return isFalse
}

// predicate is a compiled expression over a partition's values.
type predicate func(values []string) truth

// parseExpression compiles an expression for a table's partition keys.
func parseExpression(source string, keys []glue.Column) (predicate, error) {
	words, err := scanExpression(source)
	if err != nil {
		return nil, err
	}
	p := &parser{words: words, keys: keys}
	result, err := p.or()
	if err == nil && p.peek().kind != endWord {
		err = badExpression("unexpected %s", p.peek())
	}
	return result, err
}

type wordKind uint8

const (
	endWord wordKind = iota
	nameWord
	quotedName
	stringWord
	numberWord
	symbolWord
)

type word struct {
	kind wordKind
	text string
}

func (w word) String() string {
	if w.kind == endWord {
		return "end of expression"
	}
	return "'" + w.text + "'"
}

// is reports whether w is the keyword or symbol.
func (w word) is(text string) bool {
	return (w.kind == nameWord || w.kind == symbolWord) && strings.EqualFold(w.text, text)
}

// scanExpression splits the text into words.
func scanExpression(s string) ([]word, error) {
	var words []word
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '\'' || c == '"' || c == '`':
			text, n, ok := unquote(s[i:], c)
			if !ok {
				return nil, badExpression("unterminated %c", c)
			}
			kind := quotedName
			if c == '\'' {
				kind = stringWord
			}
			words, i = append(words, word{kind, text}), i+n
		case c >= '0' && c <= '9' || strings.IndexByte("+-.", c) >= 0 && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9':
			n := 1 + span(s[i+1:], func(r rune) bool { return unicode.IsDigit(r) || strings.ContainsRune(".eE", r) })
			words, i = append(words, word{numberWord, s[i : i+n]}), i+n
		case span(s[i:], isNameRune) > 0:
			n := span(s[i:], isNameRune)
			words, i = append(words, word{nameWord, s[i : i+n]}), i+n
		default:
			n := 1
			if i+1 < len(s) && strings.Contains("<= >= <> !=", s[i:i+2]) && s[i+1] != ' ' {
				n = 2
			}
			words, i = append(words, word{symbolWord, s[i : i+n]}), i+n
		}
	}
	return append(words, word{}), nil
}

// unquote reads a quoted text; a doubled quotation mark stands for itself.
func unquote(s string, mark byte) (text string, n int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != mark {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == mark {
			b.WriteByte(mark)
			i++
			continue
		}
		return b.String(), i + 1, true
	}
	return "", 0, false
}

func span(s string, in func(rune) bool) int {
	n := strings.IndexFunc(s, func(r rune) bool { return !in(r) })
	if n < 0 {
		return len(s)
	}
	return n
}

func isNameRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

type parser struct {
	words []word
	at    int
	keys  []glue.Column
	depth int
}

func (p *parser) peek() word { return p.words[p.at] }

func (p *parser) take(text string) bool {
	if !p.peek().is(text) {
		return false
	}
	p.at++
	return true
}

func (p *parser) expect(text string) error {
	if p.take(text) {
		return nil
	}
	return badExpression("expected %s, found %s", text, p.peek())
}

func (p *parser) or() (predicate, error) {
	left, err := p.and()
	for err == nil && p.take("OR") {
		var right predicate
		a := left
		right, err = p.and()
		left = func(v []string) truth { return max(a(v), right(v)) }
	}
	return left, err
}

func (p *parser) and() (predicate, error) {
	left, err := p.not()
	for err == nil && p.take("AND") {
		var right predicate
		a := left
		right, err = p.not()
		left = func(v []string) truth { return min(a(v), right(v)) }
	}
	return left, err
}

// maxDepth bounds nesting; AWS limits the expression's length instead.
const maxDepth = 200

func (p *parser) not() (predicate, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, badExpression("nested too deeply")
	}
	defer func() { p.depth-- }()
	if p.take("NOT") {
		inner, err := p.not()
		return func(v []string) truth { return -inner(v) }, err
	}
	if p.take("(") {
		inner, err := p.or()
		if err == nil {
			err = p.expect(")")
		}
		return inner, err
	}
	return p.comparison()
}

// comparison parses a key and what is said of it, or a literal compared with a key.
func (p *parser) comparison() (predicate, error) {
	if !p.atKey() {
		value, err := p.literal()
		if err != nil {
			return nil, err
		}
		op, err := p.operator()
		if err != nil {
			return nil, err
		}
		k, err := p.key()
		if err != nil {
			return nil, err
		}
		return k.compare(mirrored[op], value)
	}
	k, err := p.key()
	if err != nil {
		return nil, err
	}
	if p.take("IS") {
		negated := p.take("NOT")
		return k.isNull(negated), p.expect("NULL")
	}
	negated := p.take("NOT")
	var result predicate
	switch {
	case p.take("IN"):
		result, err = p.in(k)
	case p.take("BETWEEN"):
		result, err = p.between(k)
	case p.take("LIKE"):
		result, err = p.like(k)
	case negated:
		return nil, badExpression("expected IN, BETWEEN or LIKE, found %s", p.peek())
	default:
		return p.relation(k)
	}
	if err == nil && negated {
		return func(v []string) truth { return -result(v) }, nil
	}
	return result, err
}

func (p *parser) relation(k key) (predicate, error) {
	op, err := p.operator()
	if err != nil {
		return nil, err
	}
	value, err := p.literal()
	if err != nil {
		return nil, err
	}
	return k.compare(op, value)
}

func (p *parser) in(k key) (predicate, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var any []predicate
	for {
		value, err := p.literal()
		if err != nil {
			return nil, err
		}
		one, err := k.compare("=", value)
		if err != nil {
			return nil, err
		}
		if any = append(any, one); !p.take(",") {
			break
		}
	}
	return func(v []string) truth {
		found := isFalse
		for _, one := range any {
			found = max(found, one(v))
		}
		return found
	}, p.expect(")")
}

func (p *parser) between(k key) (predicate, error) {
	low, err := p.literal()
	if err != nil {
		return nil, err
	}
	if err := p.expect("AND"); err != nil {
		return nil, err
	}
	high, err := p.literal()
	if err != nil {
		return nil, err
	}
	from, err := k.compare(">=", low)
	if err != nil {
		return nil, err
	}
	to, err := k.compare("<=", high)
	return func(v []string) truth { return min(from(v), to(v)) }, err
}

func (p *parser) like(k key) (predicate, error) {
	pattern, err := p.literal()
	if err != nil {
		return nil, err
	}
	return k.like(pattern.text)
}

var mirrored = map[string]string{"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func (p *parser) operator() (string, error) {
	op := p.peek()
	if op.is("!=") {
		op.text = "<>"
	}
	if op.kind != symbolWord || mirrored[op.text] == "" {
		return "", badExpression("expected an operator, found %s", op)
	}
	p.at++
	return op.text, nil
}

// literal parses a string or a number; DATE and TIMESTAMP may stand before a string.
func (p *parser) literal() (word, error) {
	w := p.peek()
	if next := p.words[min(p.at+1, len(p.words)-1)]; next.kind == stringWord && (w.is("DATE") || w.is("TIMESTAMP")) {
		p.at++
		w = next
	}
	if w.kind != stringWord && w.kind != numberWord {
		return w, badExpression("expected a literal, found %s", w)
	}
	p.at++
	return w, nil
}

func (p *parser) atKey() bool {
	w := p.peek()
	next := p.words[min(p.at+1, len(p.words)-1)]
	return w.kind == quotedName || w.kind == nameWord && next.kind != stringWord
}

func (p *parser) key() (key, error) {
	w := p.peek()
	if w.kind != nameWord && w.kind != quotedName {
		return key{}, badExpression("expected a partition key, found %s", w)
	}
	p.at++
	for i, k := range p.keys {
		if strings.EqualFold(text(k.Name), w.text) {
			return newKey(i, k), nil
		}
	}
	return key{}, glue.InvalidInputException("Unknown column or partition key: %s", w.text)
}
