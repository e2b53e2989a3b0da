package jsonata

// expr is an expression ready to be evaluated: a node, and what is attached to it
// as a step of a path or as a whole.
type expr struct {
	node
	pos       int    // see Error.Position
	word      string // what errors show as the token
	keepArray bool   // []
	consArray bool   // an array constructor at an end of a path
	isTuple   bool   // evaluated on a tuple stream

	predicates []*expr    // behind anything but a step
	stages     []stage    // behind a step
	group      *groupNode // {} behind it
	focus      string     // @$name
	index      string     // #$name
	ancestor   *slot      // a % that wants what this step stands on
	seeking    []*slot    // %s that have not found their step
}

// stage is a predicate of a step or, with a name, a positional binding.
type stage struct {
	filter *expr
	index  string
}

// slot is one % and the name under which its value is bound.
type slot struct {
	label string
	level int
}

// node is one of the types below.
type node interface {
	eval(r *run, x *expr, in any, env *frame) (any, error)
}

type (
	literalNode  struct{ val any }
	nameNode     struct{ name string }
	variableNode struct {
		name    string
		builtin *builtin // what the name means if nobody has bound it
	}
	contextNode    struct{} // $
	rootNode       struct{} // $$
	wildcardNode   struct{}
	descendantNode struct{}
	parentNode     struct{ slot *slot }
	regexNode      struct{ re *matcher }
	pathNode       struct {
		steps  []*expr
		keep   bool
		simple bool // names only, behind a variable perhaps
	}
	negateNode struct{ of *expr }
	arrayNode  struct{ items []*expr }
	groupNode  struct { // an object constructor, or the grouping behind an expression
		pairs [][2]*expr
		pos   int
	}
	binaryNode struct {
		op       operator
		lhs, rhs *expr
	}
	bindNode struct {
		name string
		of   *expr
	}
	chainNode struct{ lhs, rhs *expr } // ~>
	blockNode struct {
		items []*expr
		binds bool // := stands in it, so it needs a scope
	}
	callNode struct {
		proc  *expr
		args  []*expr
		name  string   // of the procedure, for errors
		hint  string   // a field name that may have been meant as a function
		meant *builtin // the one of that name
		tail  bool     // the last thing a lambda does
	}
	partialNode struct {
		proc  *expr
		args  []*expr // nil: a hole
		name  string
		hint  string
		meant *builtin
	}
	lambdaNode struct {
		params []string
		sig    *signature
		body   *expr
	}
	condNode      struct{ test, yes, no *expr } // no may be nil
	transformNode struct {
		pattern, update, remove *expr // remove may be nil
		clone                   *builtin
	}
	sortNode struct { // a step of a path
		terms []*expr
		down  []bool
	}
)

type operator int

const (
	opAdd operator = iota
	opSubtract
	opMultiply
	opDivide
	opModulo
	opEqual
	opUnequal
	opLess
	opLessEqual
	opGreater
	opGreaterEqual
	opConcat
	opAnd
	opOr
	opIn
	opRange
)

var operatorNames = [...]string{"+", "-", "*", "/", "%", "=", "!=", "<", "<=", ">", ">=", "&", "and", "or", "in", ".."}

func (o operator) String() string { return operatorNames[o] }

func operatorOf(text string) (operator, bool) {
	for i, name := range operatorNames {
		if name == text {
			return operator(i), true
		}
	}
	return 0, false
}

// plain tells whether nothing is attached to the expression.
func (x *expr) plain() bool {
	return len(x.predicates) == 0 && len(x.stages) == 0 && x.group == nil && !x.keepArray &&
		!x.consArray && !x.isTuple && x.focus == "" && x.index == "" && x.ancestor == nil
}
