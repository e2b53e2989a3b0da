package cfn

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/diag"
)

// Env is what a template is evaluated in.
type Env struct {
	Account, Region, Partition, URLSuffix, StackName, StackID string
	NotificationARNs                                          []string
	Zones                                                     []string       // the availability zones of the region
	Parameters                                                map[string]any // see Template.Values

	Ref    func(resource string) (any, error)       // what Ref of a resource that is there gives
	GetAtt func(resource, name string) (any, error) // an attribute of a resource that is there
	Import func(name string) (string, error)        // the value another stack exports
}

// Fault is an error at a place of the template.
type Fault struct {
	Span diag.Span
	Text string
}

func (f *Fault) Error() string { return f.Text }

func fault(n *Node, format string, args ...any) error {
	return &Fault{Span: n.Span, Text: fmt.Sprintf(format, args...)}
}

// noValue is AWS::NoValue: the member or item that has it is left out.
type noValue struct{}

// evaluation is one evaluation of a template.
type evaluation struct {
	*Template
	env   *Env
	known map[string]bool // conditions
}

// Evaluator evaluates the expressions of a template in env.
func (t *Template) Evaluator(env *Env) *Evaluator {
	return &Evaluator{&evaluation{Template: t, env: env, known: map[string]bool{}}}
}

// Evaluator gives what expressions come to.
type Evaluator struct{ e *evaluation }

// Holds says whether a condition does; the empty name always does.
func (v *Evaluator) Holds(condition string) (bool, error) {
	if condition == "" {
		return true, nil
	}
	x, err := v.e.condition(condition)
	if err != nil {
		return false, err
	}
	return x.(bool), nil
}

// Properties are the properties of a resource: strings, json.Numbers, bools,
// lists and maps.
func (v *Evaluator) Properties(r *Resource) (map[string]any, error) {
	if r.Properties == nil {
		return map[string]any{}, nil
	}
	x, err := v.e.value(r.Properties)
	if err != nil {
		return nil, err
	}
	properties, ok := x.(map[string]any)
	if !ok { // a function, which may come to anything
		return nil, fault(r.Properties, "Template format error: [/Resources/%s] Properties must be an object", r.Name)
	}
	return properties, nil
}

// Value is what an expression comes to; nil where it is AWS::NoValue.
func (v *Evaluator) Value(n *Node) (any, error) {
	x, err := v.e.value(n)
	if _, absent := x.(noValue); absent {
		return nil, err
	}
	return x, err
}

// Text is an expression that comes to a text, such as an output.
func (v *Evaluator) Text(n *Node) (string, error) {
	x, err := v.e.value(n)
	if err != nil {
		return "", err
	}
	s, ok := text(x)
	if !ok {
		return "", fault(n, "Template format error: The Value field of every Outputs member must evaluate to a String.")
	}
	return s, nil
}

// text is a scalar as the text it is put into strings as.
func text(x any) (string, bool) {
	switch x := x.(type) {
	case string:
		return x, true
	case json.Number:
		return x.String(), true
	case bool:
		return strconv.FormatBool(x), true
	}
	return "", false
}

func (e *evaluation) value(n *Node) (any, error) {
	if name, arg, ok := n.function(); ok {
		f, ok := e.functions[name]
		if !ok {
			return nil, fault(n, "Template error: unsupported function %s", name)
		}
		return f.eval(e, n, arg)
	}
	switch n.Kind {
	case List:
		out := []any{}
		for _, item := range n.Items {
			x, err := e.value(item)
			if err != nil {
				return nil, err
			}
			if _, absent := x.(noValue); !absent {
				out = append(out, x)
			}
		}
		return out, nil
	case Map:
		out := map[string]any{}
		for i, k := range n.Keys {
			x, err := e.value(n.Items[i])
			if err != nil {
				return nil, err
			}
			if _, absent := x.(noValue); !absent {
				out[k.Text] = x
			}
		}
		return out, nil
	}
	return n.Value(), nil
}

// str evaluates an expression that must come to a text.
func (e *evaluation) str(n *Node, message string) (string, error) {
	x, err := e.value(n)
	if err != nil {
		return "", err
	}
	s, ok := text(x)
	if !ok {
		return "", fault(n, "%s", message)
	}
	return s, nil
}

func (e *evaluation) ref(n *Node, name string) (any, error) {
	switch name {
	case "AWS::AccountId":
		return e.env.Account, nil
	case "AWS::Region":
		return e.env.Region, nil
	case "AWS::Partition":
		return e.env.Partition, nil
	case "AWS::URLSuffix":
		return e.env.URLSuffix, nil
	case "AWS::StackName":
		return e.env.StackName, nil
	case "AWS::StackId":
		return e.env.StackID, nil
	case "AWS::NoValue":
		return noValue{}, nil
	case "AWS::NotificationARNs":
		out := []any{}
		for _, arn := range e.env.NotificationARNs {
			out = append(out, arn)
		}
		return out, nil
	}
	if v, ok := e.env.Parameters[name]; ok {
		return v, nil
	}
	if e.env.Ref == nil || !slices.Contains(e.resourceNames(), name) {
		return nil, fault(n, "Template format error: Unresolved resource dependencies [%s] in the Resources block of the template", name)
	}
	return e.env.Ref(name)
}

func (e *evaluation) condition(name string) (any, error) {
	if v, ok := e.known[name]; ok {
		return v, nil
	}
	n := e.Conditions.Get(name)
	if n == nil {
		return false, fmt.Errorf("Template error: unresolved condition dependency %s in Fn::If", name)
	}
	v, err := e.truth(n)
	if err == nil {
		e.known[name] = v
	}
	return v, err
}

func (e *evaluation) truth(n *Node) (bool, error) {
	x, err := e.value(n)
	if err != nil {
		return false, err
	}
	switch s, _ := text(x); strings.ToLower(s) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fault(n, "Template error: a condition must be true or false")
}

func (e *evaluation) and(_, arg *Node) (any, error) { return e.all(arg, true) }
func (e *evaluation) or(_, arg *Node) (any, error)  { return e.all(arg, false) }

// all is whether every operand is what, and otherwise the contrary.
func (e *evaluation) all(arg *Node, what bool) (any, error) {
	for _, item := range arg.Items {
		x, err := e.truth(item)
		if err != nil {
			return nil, err
		}
		if x != what {
			return !what, nil
		}
	}
	return what, nil
}

func (e *evaluation) not(_, arg *Node) (any, error) {
	x, err := e.truth(arg.Items[0])
	return !x, err
}

func (e *evaluation) equals(_, arg *Node) (any, error) {
	a, err := e.value(arg.Items[0])
	if err != nil {
		return nil, err
	}
	b, err := e.value(arg.Items[1])
	if err != nil {
		return nil, err
	}
	x, isText := text(a)
	y, alsoText := text(b)
	if isText && alsoText {
		return x == y, nil
	}
	p, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	q, err := json.Marshal(b)
	return string(p) == string(q), err
}

func (e *evaluation) choose(_, arg *Node) (any, error) {
	is, err := e.condition(arg.Items[0].Text)
	if err != nil {
		return nil, err
	}
	if is.(bool) {
		return e.value(arg.Items[1])
	}
	return e.value(arg.Items[2])
}

func (e *evaluation) base64(_, arg *Node) (any, error) {
	s, err := e.str(arg, "Template error: every Fn::Base64 object must have a String-typed value.")
	return base64.StdEncoding.EncodeToString([]byte(s)), err
}

func (e *evaluation) getAtt(n, arg *Node) (any, error) {
	resource, name := attribute(arg)
	if arg.Kind == List {
		s, err := e.str(arg.Items[1], getAttShape)
		if err != nil {
			return nil, err
		}
		name = s
	}
	if e.env.GetAtt == nil {
		return nil, fault(n, "Template error: instance of Fn::GetAtt references undefined resource %s", resource)
	}
	return e.env.GetAtt(resource, name)
}

func (e *evaluation) zones(_, arg *Node) (any, error) {
	region, err := e.str(arg, "Template error: Fn::GetAZs requires a string")
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, z := range e.env.Zones {
		if region == "" || strings.HasPrefix(z, region) {
			out = append(out, z)
		}
	}
	return out, nil
}

func (e *evaluation) importValue(n, arg *Node) (any, error) {
	name, err := e.str(arg, "Template error: the attribute in Fn::ImportValue must be a string or a function that returns a string")
	if err != nil {
		return nil, err
	}
	if e.env.Import == nil {
		return nil, fault(n, "No export named %s found.", name)
	}
	return e.env.Import(name)
}

// list evaluates an expression that must come to a list.
func (e *evaluation) list(n *Node, message string) ([]any, error) {
	x, err := e.value(n)
	if err != nil {
		return nil, err
	}
	items, ok := x.([]any)
	if !ok {
		return nil, fault(n, "%s", message)
	}
	return items, nil
}

func (e *evaluation) join(_, arg *Node) (any, error) {
	sep, err := e.str(arg.Items[0], joinShape)
	if err != nil {
		return nil, err
	}
	items, err := e.list(arg.Items[1], joinShape)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(items))
	for i, item := range items {
		s, ok := text(item)
		if !ok {
			return nil, fault(arg.Items[1], joinShape)
		}
		texts[i] = s
	}
	return strings.Join(texts, sep), nil
}

func (e *evaluation) length(_, arg *Node) (any, error) {
	items, err := e.list(arg, "Template error: Fn::Length requires a list")
	return json.Number(strconv.Itoa(len(items))), err
}

func (e *evaluation) pick(_, arg *Node) (any, error) {
	index, err := e.str(arg.Items[0], selectShape)
	if err != nil {
		return nil, err
	}
	items, err := e.list(arg.Items[1], selectShape)
	if err != nil {
		return nil, err
	}
	i, err := strconv.Atoi(index)
	if err != nil {
		return nil, fault(arg.Items[0], selectShape)
	}
	if i < 0 || i >= len(items) {
		return nil, fault(arg, "Template error: Fn::Select  cannot select nonexistent value at index %d", i)
	}
	return items[i], nil
}

func (e *evaluation) split(_, arg *Node) (any, error) {
	sep, err := e.str(arg.Items[0], splitShape)
	if err != nil {
		return nil, err
	}
	s, err := e.str(arg.Items[1], splitShape)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, piece := range strings.Split(s, sep) {
		out = append(out, piece)
	}
	return out, nil
}

func (e *evaluation) toJSON(_, arg *Node) (any, error) {
	x, err := e.value(arg)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(x)
	return string(b), err
}

func (e *evaluation) sub(n, arg *Node) (any, error) {
	source, vars := arg, (*Node)(nil)
	if arg.Kind == List {
		source, vars = arg.Items[0], arg.Items[1]
	}
	parts, _ := subParts(source.Text)
	var b strings.Builder
	for _, p := range parts {
		if p.name == "" {
			b.WriteString(p.text)
			continue
		}
		x, err := e.variable(n, p.name, vars)
		if err != nil {
			return nil, err
		}
		s, ok := text(x)
		if !ok {
			return nil, fault(n, "Template error: variable %s in Fn::Sub expression does not resolve to a string", p.name)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func (e *evaluation) variable(n *Node, name string, vars *Node) (any, error) {
	if v := vars.Get(name); v != nil {
		return e.value(v)
	}
	if resource, attr, ok := strings.Cut(name, "."); ok && !strings.HasPrefix(name, "AWS::") {
		if e.env.GetAtt == nil {
			return nil, fault(n, "Template error: instance of Fn::GetAtt references undefined resource %s", resource)
		}
		return e.env.GetAtt(resource, attr)
	}
	return e.ref(n, name)
}

func (e *evaluation) findInMap(n, arg *Node) (any, error) {
	var path [3]string
	for i := range path {
		s, err := e.str(arg.Items[i], findShape)
		if err != nil {
			return nil, err
		}
		path[i] = s
	}
	cell := e.Mappings.Get(path[0]).Get(path[1]).Get(path[2])
	if cell != nil {
		return cell.Value(), nil
	}
	if len(arg.Items) == 4 {
		return e.value(arg.Items[3].Get("DefaultValue"))
	}
	return nil, fault(n, "Template error: Unable to get mapping for %s", strings.Join(path[:], "::"))
}

// cidr gives blocks of addresses; the bits are those a block leaves free.
func (e *evaluation) cidr(n, arg *Node) (any, error) {
	const message = "Template error: Fn::Cidr requires an address block, a count from 1 to 256 and a number of bits"
	var texts []string
	for _, item := range arg.Items {
		s, err := e.str(item, message)
		if err != nil {
			return nil, err
		}
		texts = append(texts, s)
	}
	block, err := netip.ParsePrefix(texts[0])
	if err != nil {
		return nil, fault(n, message)
	}
	count, err := strconv.Atoi(texts[1])
	if err != nil || count < 1 || count > 256 {
		return nil, fault(n, message)
	}
	bits := 8
	if len(texts) == 3 {
		if bits, err = strconv.Atoi(texts[2]); err != nil {
			return nil, fault(n, message)
		}
	}
	length := block.Addr().BitLen() - bits
	room := new(big.Int).Lsh(big.NewInt(1), uint(max(length-block.Bits(), 0)))
	if bits < 1 || length < block.Bits() || room.Cmp(big.NewInt(int64(count))) < 0 {
		return nil, fault(n, "Template error: Fn::Cidr cannot make %d blocks of %d bits in %s", count, bits, texts[0])
	}
	out := []any{}
	at := new(big.Int).SetBytes(block.Masked().Addr().AsSlice())
	step := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	for range count {
		bytes := at.FillBytes(make([]byte, block.Addr().BitLen()/8))
		addr, _ := netip.AddrFromSlice(bytes)
		out = append(out, netip.PrefixFrom(addr, length).String())
		at.Add(at, step)
	}
	return out, nil
}
