package jsonata

import "strings"

// signature says what arguments a function takes: <s-n?:s>.
type signature struct{ params []param }

type param struct {
	kinds    string // letters of the types it takes; m, a missing value, always is
	array    bool   // a: anything else becomes an array of one
	subtype  string // what is in <> behind a or f
	typ      string
	context  bool // -: the context value when missing
	optional bool // ? or -
	many     bool // +
}

const (
	anyJSON = "asnblom"
	anyKind = "asnblfom"
)

// parseSignature reads a signature; the error's Position is the place in it.
func parseSignature(s string) (*signature, *Error) {
	sig := &signature{}
	for i := 1; i < len(s) && s[i] != ':'; i++ {
		var last *param
		if n := len(sig.params); n > 0 {
			last = &sig.params[n-1]
		}
		switch c := s[i]; c {
		case 's', 'n', 'b', 'l', 'o':
			sig.params = append(sig.params, param{kinds: string(c) + "m", typ: string(c)})
		case 'a':
			sig.params = append(sig.params, param{kinds: anyKind, typ: "a", array: true})
		case 'f':
			sig.params = append(sig.params, param{kinds: "f", typ: "f"})
		case 'j':
			sig.params = append(sig.params, param{kinds: anyJSON, typ: "j"})
		case 'x':
			sig.params = append(sig.params, param{kinds: anyKind, typ: "x"})
		case '-', '?', '+':
			if last == nil {
				continue
			}
			last.context = last.context || c == '-'
			last.optional = last.optional || c != '+'
			last.many = last.many || c == '+'
		case '(':
			end := closing(s, i, '(', ')')
			choice := s[i+1 : end]
			if strings.Contains(choice, "<") {
				return nil, &Error{Code: "S0402", Position: i, value: choice}
			}
			sig.params = append(sig.params, param{kinds: choice + "m", typ: "(" + choice + ")"})
			i = end
		case '<':
			if last == nil || last.typ != "a" && last.typ != "f" {
				typ := any(undef{})
				if last != nil {
					typ = last.typ
				}
				return nil, &Error{Code: "S0401", Position: i, value: typ}
			}
			end := closing(s, i, '<', '>')
			last.subtype = s[i+1 : end]
			i = end
		}
	}
	return sig, nil
}

// closing finds the bracket that closes the one at start.
func closing(s string, start int, open, shut byte) int {
	depth := 0
	for i := start; i < len(s); i++ {
		switch s[i] {
		case open:
			depth++
		case shut:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return max(len(s)-1, start+1)
}

// fit shares the kinds of the arguments out to the first params: how many each
// takes, as many as it can. whole: nothing may be left over.
func (s *signature) fit(kinds []byte, n int, whole bool, counts []int) (int, bool) {
	var failed map[[2]int]bool // what was tried in vain, where there is much to try
	if n > 8 {
		failed = map[[2]int]bool{}
	}
	return s.fitFrom(kinds, 0, 0, n, whole, counts, failed)
}

func (s *signature) fitFrom(kinds []byte, at, i, n int, whole bool, counts []int, failed map[[2]int]bool) (int, bool) {
	if i == n {
		return at, !whole || at == len(kinds)
	}
	if failed[[2]int{at, i}] {
		return 0, false
	}
	p := &s.params[i]
	most, least := 1, 1
	if p.many {
		most = len(kinds) - at
	}
	if p.optional {
		least = 0
	}
	take := 0
	for take < most && at+take < len(kinds) && strings.IndexByte(p.kinds, kinds[at+take]) >= 0 {
		take++
	}
	for ; take >= least; take-- {
		counts[i] = take
		if end, ok := s.fitFrom(kinds, at+take, i+1, n, whole, counts, failed); ok {
			return end, true
		}
	}
	if failed != nil {
		failed[[2]int{at, i}] = true
	}
	return 0, false
}

// validate checks the arguments and fills in the context value.
func (s *signature) validate(r *run, args []any, in any) ([]any, error) {
	var kindSpace [8]byte
	var countSpace [8]int
	kinds, counts := kindSpace[:0], countSpace[:]
	for _, arg := range args {
		kinds = append(kinds, kind(arg))
	}
	if len(s.params) > len(counts) {
		counts = make([]int, len(s.params))
	}
	if _, ok := s.fit(kinds, len(s.params), true, counts); !ok {
		return nil, s.mismatch(kinds, args)
	}
	out := make([]any, 0, max(len(s.params), len(args)))
	at := 0    // the argument that is next; an absent optional one moves it too, as in the reference implementation
	taken := 0 // of kinds
	for i := range s.params {
		p := &s.params[i]
		if counts[i] == 0 {
			switch {
			case !p.context:
				out = append(out, argument(args, at))
				at++
			case strings.IndexByte(p.kinds, kind(in)) >= 0:
				out = append(out, in)
			default:
				return nil, &Error{Code: "T0411", value: in, index: at + 1}
			}
			continue
		}
		match := kinds[taken : taken+counts[i]]
		taken += counts[i]
		for _, k := range match {
			arg := argument(args, at)
			if p.array && k != 'm' {
				if !p.holds(arg, k, match) {
					return nil, &Error{Code: "T0412", value: arg, index: at + 1, detail: pluralOf(p.subtype)}
				}
				if k != 'a' {
					arg = []any{arg}
				}
			}
			out = append(out, arg)
			at++
		}
	}
	return out, nil
}

func argument(args []any, i int) any {
	if i < len(args) {
		return args[i]
	}
	return undef{}
}

// holds tells whether what becomes an array has the type that its items must have.
func (p *param) holds(arg any, k byte, match []byte) bool {
	if p.subtype == "" {
		return true
	}
	if k != 'a' {
		return string(match) == p.subtype
	}
	list, _ := items(arg)
	for _, item := range list {
		if kind(item) != p.subtype[0] {
			return false
		}
	}
	return true
}

func pluralOf(subtype string) string {
	switch subtype {
	case "a":
		return "arrays"
	case "b":
		return "booleans"
	case "f":
		return "functions"
	case "n":
		return "numbers"
	case "o":
		return "objects"
	case "s":
		return "strings"
	}
	return subtype
}

// mismatch finds the first argument that does not fit.
func (s *signature) mismatch(kinds []byte, args []any) *Error {
	counts := make([]int, len(s.params))
	good := 0
	for n := 1; n <= len(s.params); n++ {
		end, ok := s.fit(kinds, n, false, counts)
		if !ok {
			break
		}
		good = end
	}
	return &Error{Code: "T0410", value: argument(args, good), index: good + 1}
}
