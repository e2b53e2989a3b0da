// Package jsonata compiles and evaluates JSONata 2.0.6 expressions, the query
// language that Amazon States Language offers beside JSONPath
// (https://docs.jsonata.org; "Transforming data with JSONata in Step Functions"
// in the Step Functions developer guide). As the service does, it leaves out
// $eval and adds $partition, $range, $hash, $uuid, $parse and a seed for $random.
//
// An expression goes through three forms, each in its own files:
//
//	lex.go, parse.go         text -> syntax tree (syntax.go), top down operator precedence
//	resolve.go, ancestry.go  syntax tree -> expr: paths made flat, predicates and
//	                         groupings attached to their step, % resolved, tail calls marked
//	eval*.go                 expr -> value
//
// An Expr is compiled once and can be evaluated by many goroutines. It works on
// the values of asl/value as they are: input is not copied, and a value that
// only passes through keeps its spelling. Evaluation is bounded in steps, depth
// and memory (see Options).
//
// Regular expressions have JavaScript's syntax and run on Go's regexp, which
// never backtracks: lookaround assertions and backreferences are refused by
// name when the expression is compiled.
//
// The package knows nothing of states or of the {% %} around an expression;
// asl/check and asl/exec import it.
package jsonata
