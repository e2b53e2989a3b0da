package lower

import (
	"regexp"
	"strconv"
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// typeOfName parses a written type, with the position in the fault.
func (l *lowering) typeOfName(n syntax.TypeName) types.Type {
	t, err := types.Parse(n.Name, n.Args, n.Nested)
	if err != nil {
		l.fail(n, sqlerr.From(err).Code, "%s", sqlerr.From(err).Message)
	}
	return t
}

// cast lowers all spellings of a cast. Texts are cut to their length; dates,
// times and booleans read Redshift's spellings.
func cast(l *lowering, e syntax.Expr) emit.Expr {
	c, ok := e.(*syntax.Cast)
	if !ok {
		return nil
	}
	if s, ok := c.X.(*syntax.String); ok && c.Style != syntax.CastTry {
		return l.castLiteral(s.Value, c.Type, c)
	}
	t := l.typeOfName(c.Type)
	if t.IsInteger() && l.isMode(c.X) {
		return call("ascii", l.expr(c.X))
	}
	x := l.castOperand(c.X, t)
	from := l.typeOf(c.X)
	if from.Kind == types.Super && t.Kind != types.Super {
		x = call("rs_super_text", x)
		from = types.Type{Kind: types.Varchar}
	}
	if c.Style == syntax.CastTry {
		return &emit.Cast{X: x, Type: t.Duck(), Try: true}
	}
	switch t.Kind {
	case types.Date, types.Timestamp, types.TimestampTZ, types.Boolean:
		name := map[types.Kind]string{types.Date: "rs_date", types.Timestamp: "rs_timestamp", types.TimestampTZ: "rs_timestamptz", types.Boolean: "rs_boolean"}[t.Kind]
		if _, cast := x.(*emit.Cast); !cast && from.Kind != types.Super {
			if y := l.chosen(name, c.X, x, nil); y != nil {
				return y
			}
		}
	case types.Varbyte:
		x = l.typed(c.X, x, "")
	}
	return l.convert(c, x, from, t)
}

// isMode says whether an expression is an element of pg_proc.proargmodes, of
// the type "char", whose number is the letter's.
func (l *lowering) isMode(e syntax.Expr) bool {
	x, ok := e.(*syntax.Index)
	if !ok {
		return false
	}
	c, ok := x.X.(*syntax.ColumnRef)
	return ok && l.Result.Refs[c].System && l.Result.Refs[c].Column == "proargmodes"
}

// convert applies the macro of the target type, or a plain cast.
func (l *lowering) convert(c *syntax.Cast, x emit.Expr, from, t types.Type) emit.Expr {
	limited := len(c.Type.Args) > 0
	if from.Kind == types.Varbyte && t.IsText() {
		x = call("rs_varbyte_text", x)
	}
	switch t.Kind {
	case types.Varchar, types.Char:
		if from.Kind == types.Boolean {
			l.fail(c, sqlerr.CannotCoerce, "cannot cast type boolean to %s", t.Base())
		}
		if from.IsInterval() {
			x = call("rs_interval_text", x)
		}
		if from.IsFloat() { // in 15 digits, or 6
			x = call(map[bool]string{true: "rs_real_text", false: "rs_double_text"}[from.Kind == types.Real], x)
		}
		if !limited && (t.Kind == types.Varchar || c.Type.Name == "bpchar") {
			return call("rs_text", x)
		}
		return call(map[bool]string{true: "rs_varchar", false: "rs_char"}[t.Kind == types.Varchar], x, &emit.Num{Text: strconv.Itoa(t.Length)})
	case types.Date:
		if from.Kind == types.Timestamp || from.Kind == types.Date {
			break
		}
		return call("rs_date", x)
	case types.Timestamp:
		if from.Kind == types.Date || from.Kind == types.Timestamp {
			break
		}
		return call("rs_timestamp", x)
	case types.TimestampTZ:
		return call("rs_timestamptz", x)
	case types.Boolean:
		return call("rs_boolean", x)
	case types.Super:
		return call("rs_super", x)
	case types.Varbyte:
		return call("rs_varbyte", x)
	case types.Geometry, types.Geography:
		l.missing(c, "type "+t.Base())
	case types.Smallint, types.Integer, types.Bigint:
		if from.IsText() {
			x = call("rs_whole_text", x)
		}
	case types.Decimal:
		if from.IsFloat() && t.Precision > doubleDigits {
			limit := "1" + strings.Repeat("0", max(doubleDigits-t.Scale, 0))
			return &emit.Case{Whens: []emit.When{{Cond: &emit.Between{X: x, Lo: &emit.Num{Text: "-" + limit}, Hi: &emit.Num{Text: limit}}, Result: &emit.Cast{X: x, Type: t.Duck()}}},
				Else: &emit.Cast{X: call("rs_double_text", x), Type: t.Duck()}}
		}
	case types.OID:
		if c.Type.Name != "oid" {
			return call("rs_"+c.Type.Name, x, l.searchPath())
		}
	}
	return &emit.Cast{X: x, Type: t.Duck()}
}

// castLiteral lowers a literal of a named type: 'text'::type or type 'text'.
func (l *lowering) castLiteral(text string, name syntax.TypeName, at syntax.Node) emit.Expr {
	t := l.typeOfName(name)
	switch t.Kind {
	case types.Date, types.Timestamp, types.TimestampTZ:
		return temporal(text, t)
	case types.Time:
		return &emit.Cast{X: &emit.Str{Value: plainClock(text)}, Type: t.Duck()}
	case types.TimeTZ:
		return zonedTime(text, true)
	case types.Boolean:
		v, ok := boolText(text)
		if !ok {
			l.fail(at, sqlerr.InvalidTextRepresentation, "invalid input syntax for type boolean: \"%s\"", text)
		}
		return &emit.Word{Text: v}
	case types.Varchar, types.Char:
		if len(name.Args) > 0 || t.Kind == types.Char && name.Name != "bpchar" {
			text = cut(text, t.Length)
		}
		if t.Kind == types.Char {
			text = strings.TrimRight(text, " ")
		}
		return &emit.Cast{X: &emit.Str{Value: text}, Type: "VARCHAR"}
	case types.IntervalDS, types.IntervalYM:
		s, ok := intervalText(text, "")
		if !ok {
			l.fail(at, sqlerr.InvalidDatetimeFormat, "invalid input syntax for type interval: \"%s\"", text)
		}
		return &emit.Interval{Text: s}
	}
	l.numberLiteral(text, t, at)
	c := &syntax.Cast{Pos: syntax.Pos{Span: at.Range()}, Type: name}
	return l.convert(c, &emit.Str{Value: text}, types.Type{}, t)
}

// wholeText is how an integer is written.
var wholeText = regexp.MustCompile(`^\s*[-+]?[0-9]+\s*$`)

// boolText reads the spellings of booleans.
func boolText(text string) (string, bool) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "t", "true", "y", "yes", "1", "on":
		return "TRUE", true
	case "f", "false", "n", "no", "0", "off":
		return "FALSE", true
	}
	return "", false
}

// cut shortens a text to at most n bytes, at a character's end.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
