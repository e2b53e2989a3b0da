package lower

import (
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// Session answers the functions that speak of the session.
type Session struct {
	User, Database, Schema string
	Insensitive            bool // the database's collation
	Backend                int
	Settings               func(name string) (string, bool)
	LastCopyCount          int64
	LastCopyID             int64
	LastQueryID            int64
	LastUnloadCount        int64
}

// Input is what lowering works on.
type Input struct {
	Result  *resolve.Result
	Options resolve.Options
	Catalog resolve.Catalog
	Session Session
	// Params are the parameters' declared types, see rsql.Options. Inferred
	// takes the types casts give those that are Unknown.
	Params   []types.Type
	Inferred map[int]types.Type
}

// Fired records that a rule applied to a node.
type Fired struct {
	Rule string
	At   syntax.Node
}

// lowering lowers one statement. Faults are thrown as *sqlerr.Error and caught
// in guard.
type lowering struct {
	Input
	rules   []exprRule
	calls   map[string]callRule
	fired   []Fired
	configs []Config
	before  []emit.Statement
	// momentary: see rsql.Plan.
	momentary bool
	// grouped are the names of the text columns the block under way groups by,
	// see rule_blanks.go.
	grouped map[string]bool
	// groupedTexts are the other texts it groups by, as they are emitted.
	groupedTexts map[string]bool
	// conditions are the tests that select rows, see conditional.
	conditions map[*syntax.In]bool
	// unflat says that the block under way groups by more than columns, see
	// decimalOf.
	unflat bool
	// connecting is the table a CONNECT BY condition under way joins; prior says
	// that it speaks of the parent.
	connecting string
	// inBlock says that the select list or a condition of a block is under way;
	// failing remembers what canFail said.
	inBlock bool
	failing map[syntax.Expr]bool
	// hidden are columns of the block under way that * leaves out.
	hidden []string
	prior  bool
	priors int
	// unmarked counts the outer joins whose (+) is being taken away.
	unmarked int
}

// Config is a parameter that a SET_CONFIG in the statement sets; Local for the
// transaction only.
type Config struct {
	Name, Value string
	Local       bool
}

// Lowered is a lowered query or DML statement.
type Lowered struct {
	// Before are run before Statement.
	Before    []emit.Statement
	Statement emit.Statement
	Fired     []Fired
	Configs   []Config
	Momentary bool // see rsql.Plan
}

// Statement lowers a query or DML statement.
func Statement(s syntax.Statement, in Input) (out Lowered, err error) {
	l := &lowering{Input: in, rules: exprRules(), calls: callRules()}
	err = guard(func() { out.Statement = l.statement(s) })
	out.Before, out.Fired, out.Configs, out.Momentary = l.before, l.fired, l.configs, l.momentary
	return out, err
}

// guard runs f and turns a thrown fault into an error.
func guard(f func()) (err error) {
	defer func() {
		if x := recover(); x != nil {
			fault, ok := x.(*sqlerr.Error)
			if !ok {
				panic(x)
			}
			err = fault
		}
	}()
	f()
	return nil
}

func (l *lowering) fail(at syntax.Node, code, format string, args ...any) {
	e := sqlerr.New(code, format, args...)
	if at != nil && l.Options.Position != nil {
		e = e.At(l.Options.Position(at.Range().Start))
	}
	panic(e)
}

// missing refuses a construct by name.
func (l *lowering) missing(at syntax.Node, feature string) {
	e := sqlerr.NotImplemented(feature)
	if at != nil && l.Options.Position != nil {
		e = e.At(l.Options.Position(at.Range().Start))
	}
	panic(e)
}

func (l *lowering) typeOf(e syntax.Expr) types.Type { return l.Result.TypeOf(e) }

// exprRule rewrites one expression. It answers nil where it does not apply.
type exprRule struct {
	name  string
	apply func(*lowering, syntax.Expr) emit.Expr
}

// callRule translates the functions that name it in the function table.
type callRule func(*lowering, *syntax.Call) emit.Expr

// exprRules are tried in order on every expression; the first that answers
// wins. What none takes is translated as it stands.
func exprRules() []exprRule {
	return []exprRule{
		{"collation", collations},
		{"literal", untypedLiteral},
		{"real", realOperands},
		{"date-literal", dateLiteral},
		{"interval", intervalLiteral},
		{"super-operator", superOperator},
		{"row", rowCompare},
		{"row-in", rowIn},
		{"blanks", compareText},
		{"smallint-literal", smallintLiterals},
		{"common-decimal", commonDecimal},
		{"division", division},
		{"arithmetic", arithmetic},
		{"operator", operator},
		{"regex", regexMatch},
		{"like-escape", likeEscape},
		{"similar-to", similarTo},
		{"cast", cast},
		{"extract", extract},
		{"trim", trim},
		{"timezone", atTimeZone},
		{"super", superPath},
		{"session", sessionFunction},
	}
}

func callRules() map[string]callRule {
	return map[string]callRule{
		"aggregate":        aggregate,
		"percentile":       percentile,
		"listagg":          listagg,
		"ratio_to_report":  ratioToReport,
		"charindex":        charindex,
		"concat":           concat,
		"pad":              pad,
		"regexp_replace":   regexpReplace,
		"perl":             perl,
		"collate":          collateFunction,
		"datepart":         datePart,
		"convert_timezone": convertTimezone,
		"to_char":          toChar,
		"to_number":        toNumber,
		"to_date":          toDate,
		"interval_cmp":     intervalCmp,
		"mod":              modulo,
		"nvl2":             nvl2,
		"decode":           decode,
		"nullif":           nullif,
		"json_path":        jsonPath,
		"super_array":      superArray,
		"super_object":     superObject,
		"object_transform": objectTransform,

		"privilege_of":  privilegeOf,
		"along_path":    alongPath,
		"catalog_array": catalogArray,
		"series":        series,
		"checksum":      checksum,
	}
}
