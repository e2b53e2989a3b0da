package jsonata

// The syntax tree, as written. Every node knows the span of its first token or
// operator.

// span is a range of bytes of the source.
type span struct{ start, end int }

type syntaxNode interface{ where() span }

func (s span) where() span { return s }

type (
	litSyntax struct { // "text", 1.5, true, null
		span
		val       any
		keepArray bool
	}
	nameSyntax struct { // a field name; also the words and, or, in
		span
		name      string
		keepArray bool
	}
	varSyntax struct { // $name, $ (empty), $$ ("$")
		span
		name      string
		keepArray bool
	}
	regexSyntax struct {
		span
		source, flags string
		keepArray     bool
	}
	signSyntax struct { // * ** %
		span
		op        string
		keepArray bool
	}
	endSyntax struct{ span } // the end of the text where a value should stand

	binarySyntax struct { // a op b: arithmetic, comparison, path step, predicate, ...
		span
		op        string
		lhs, rhs  syntaxNode
		keepArray bool
	}
	negateSyntax struct {
		span
		of        syntaxNode
		keepArray bool
	}
	arraySyntax struct {
		span
		items     []syntaxNode
		keepArray bool
	}
	objectSyntax struct { // {k: v}; of is what is grouped, or nil
		span
		of        syntaxNode
		pairs     [][2]syntaxNode
		keepArray bool
	}
	sortSyntax struct { // of^(terms)
		span
		of        syntaxNode
		terms     []syntaxNode
		down      []bool
		keepArray bool
	}
	blockSyntax struct {
		span
		items     []syntaxNode
		keepArray bool
	}
	callSyntax struct { // proc(args); an arg may be holeSyntax
		span
		proc      syntaxNode
		args      []syntaxNode
		partial   bool
		keepArray bool
	}
	holeSyntax   struct{ span } // ? in a partial application
	lambdaSyntax struct {
		span
		params    []string
		sig       *signature
		body      syntaxNode
		keepArray bool
	}
	condSyntax struct { // no is nil without :
		span
		test, yes, no syntaxNode
		keepArray     bool
	}
	transformSyntax struct { // remove may be nil
		span
		pattern, update, remove syntaxNode
		keepArray               bool
	}
)

// keep marks what expr[] stands behind.
func keep(n syntaxNode) {
	for {
		b, ok := n.(*binarySyntax)
		if !ok || b.op != "[" {
			break
		}
		n = b.lhs
	}
	if flag := keepFlag(n); flag != nil {
		*flag = true
	}
}

func keepFlag(n syntaxNode) *bool {
	switch n := n.(type) {
	case *litSyntax:
		return &n.keepArray
	case *nameSyntax:
		return &n.keepArray
	case *varSyntax:
		return &n.keepArray
	case *regexSyntax:
		return &n.keepArray
	case *signSyntax:
		return &n.keepArray
	case *binarySyntax:
		return &n.keepArray
	case *negateSyntax:
		return &n.keepArray
	case *arraySyntax:
		return &n.keepArray
	case *objectSyntax:
		return &n.keepArray
	case *sortSyntax:
		return &n.keepArray
	case *blockSyntax:
		return &n.keepArray
	case *callSyntax:
		return &n.keepArray
	case *lambdaSyntax:
		return &n.keepArray
	case *condSyntax:
		return &n.keepArray
	case *transformSyntax:
		return &n.keepArray
	}
	return nil
}
