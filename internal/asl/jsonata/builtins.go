package jsonata

import (
	"maps"
	"slices"
)

// builtin is a built-in function.
type builtin struct {
	sig  *signature
	args int // what arity says
	do   func(r *run, args []any) (any, error)
}

// Functions are the names of the built-in functions, sorted, without the $.
func Functions() []string { return slices.Sorted(maps.Keys(builtins)) }

func (b *builtin) arity() int { return b.args }

func (b *builtin) call(r *run, args []any, in any) (any, error) {
	args, err := b.sig.validate(r, args, in)
	if err != nil {
		return nil, err
	}
	return b.do(r, args)
}

var transformSignature = mustSignature("<(oa):o>")

func mustSignature(text string) *signature {
	sig, err := parseSignature(text)
	if err != nil {
		panic(err)
	}
	return sig
}

func def(sig string, args int, do func(r *run, args []any) (any, error)) *builtin {
	return &builtin{mustSignature(sig), args, do}
}

// defined wraps a function of a first argument that is undefined where that is.
func defined(do func(r *run, a []any) (any, error)) func(r *run, a []any) (any, error) {
	return func(r *run, a []any) (any, error) {
		if len(a) == 0 || isUndef(a[0]) {
			return undef{}, nil
		}
		return do(r, a)
	}
}

// builtins are the functions of JSONata 2.0.6 and those of Step Functions. There is
// no $eval.
var builtins = map[string]*builtin{
	"abs":                def("<n-:n>", 1, defined(fnAbs)),
	"append":             def("<xx:a>", 2, fnAppend),
	"assert":             def("<bs?:x>", 2, fnAssert),
	"average":            def("<a<n>:n>", 1, defined(fnAverage)),
	"base64decode":       def("<s-:s>", 1, defined(fnBase64Decode)),
	"base64encode":       def("<s-:s>", 1, defined(fnBase64Encode)),
	"boolean":            def("<x-:b>", 1, defined(fnBoolean)),
	"ceil":               def("<n-:n>", 1, defined(fnCeil)),
	"clone":              def("<(oa)-:o>", 1, defined(fnClone)),
	"contains":           def("<s-(sf):b>", 2, defined(fnContains)),
	"count":              def("<a:n>", 1, fnCount),
	"decodeUrl":          def("<s-:s>", 1, defined(fnDecodeURL)),
	"decodeUrlComponent": def("<s-:s>", 1, defined(fnDecodeURLComponent)),
	"distinct":           def("<x:x>", 1, defined(fnDistinct)),
	"each":               def("<o-f:a>", 2, fnEach),
	"encodeUrl":          def("<s-:s>", 1, defined(fnEncodeURL)),
	"encodeUrlComponent": def("<s-:s>", 1, defined(fnEncodeURLComponent)),
	"error":              def("<s?:x>", 1, fnError),
	"exists":             def("<x:b>", 1, fnExists),
	"filter":             def("<af>", 2, defined(fnFilter)),
	"floor":              def("<n-:n>", 1, defined(fnFloor)),
	"formatBase":         def("<n-n?:s>", 2, defined(fnFormatBase)),
	"formatInteger":      def("<n-s:s>", 2, defined(fnFormatInteger)),
	"formatNumber":       def("<n-so?:s>", 3, defined(fnFormatNumber)),
	"fromMillis":         def("<n-s?s?:s>", 3, defined(fnFromMillis)),
	"hash":               def("<s-s:s>", 2, defined(fnHash)),
	"join":               def("<a<s>s?:s>", 2, defined(fnJoin)),
	"keys":               def("<x-:a<s>>", 1, fnKeys),
	"length":             def("<s-:n>", 1, defined(fnLength)),
	"lookup":             def("<x-s:x>", 2, fnLookup),
	"lowercase":          def("<s-:s>", 1, defined(fnLowercase)),
	"map":                def("<af>", 2, defined(fnMap)),
	"match":              def("<s-f<s:o>n?:a<o>>", 3, defined(fnMatch)),
	"max":                def("<a<n>:n>", 1, defined(fnMax)),
	"merge":              def("<a<o>:o>", 1, defined(fnMerge)),
	"millis":             def("<:n>", 0, fnMillis),
	"min":                def("<a<n>:n>", 1, defined(fnMin)),
	"not":                def("<x-:b>", 1, defined(fnNot)),
	"now":                def("<s?s?:s>", 2, fnNow),
	"number":             def("<(nsb)-:n>", 1, defined(fnNumber)),
	"pad":                def("<s-ns?:s>", 3, defined(fnPad)),
	"parse":              def("<s-:x>", 1, defined(fnParse)),
	"parseInteger":       def("<s-s:n>", 2, defined(fnParseInteger)),
	"partition":          def("<an:a>", 2, defined(fnPartition)),
	"power":              def("<n-n:n>", 2, defined(fnPower)),
	"random":             def("<n?:n>", 0, fnRandom),
	"range":              def("<nnn?:a>", 3, fnRange),
	"reduce":             def("<afj?:j>", 3, defined(fnReduce)),
	"replace":            def("<s-(sf)(sf)n?:s>", 4, defined(fnReplace)),
	"reverse":            def("<a:a>", 1, defined(fnReverse)),
	"round":              def("<n-n?:n>", 2, defined(fnRound)),
	"shuffle":            def("<a:a>", 1, defined(fnShuffle)),
	"sift":               def("<o-f?:o>", 2, fnSift),
	"single":             def("<af?>", 2, defined(fnSingle)),
	"sort":               def("<af?:a>", 2, defined(fnSort)),
	"split":              def("<s-(sf)n?:a<s>>", 3, defined(fnSplit)),
	"spread":             def("<x-:a<o>>", 1, fnSpread),
	"sqrt":               def("<n-:n>", 1, defined(fnSqrt)),
	"string":             def("<x-b?:s>", 1, defined(fnString)),
	"substring":          def("<s-nn?:s>", 3, defined(fnSubstring)),
	"substringAfter":     def("<s-s:s>", 2, defined(fnSubstringAfter)),
	"substringBefore":    def("<s-s:s>", 2, defined(fnSubstringBefore)),
	"sum":                def("<a<n>:n>", 1, defined(fnSum)),
	"toMillis":           def("<s-s?:n>", 2, defined(fnToMillis)),
	"trim":               def("<s-:s>", 1, defined(fnTrim)),
	"type":               def("<x:s>", 1, defined(fnType)),
	"uppercase":          def("<s-:s>", 1, defined(fnUppercase)),
	"uuid":               def("<:s>", 0, fnUUID),
	"zip":                def("<a+>", 0, fnZip),
}
