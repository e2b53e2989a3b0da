package cfn

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/diag"
)

// Parameter is an entry of Parameters ("Parameters syntax reference").
type Parameter struct {
	Name, Type, Description string
	Default                 *string
	AllowedValues           []string
	AllowedPattern          string
	ConstraintDescription   string
	NoEcho                  bool
	MinLength, MaxLength    *int
	MinValue, MaxValue      *big.Rat

	pattern *regexp.Regexp
}

const ssmValue = "AWS::SSM::Parameter::Value<"

var (
	parameterTypes = []string{"String", "Number", "List<Number>", "List<String>", "CommaDelimitedList", "AWS::SSM::Parameter::Name"}
	awsTypes       = regexp.MustCompile(`^(?:List<)?AWS::(?:EC2::(?:AvailabilityZone::Name|Image::Id|Instance::Id|KeyPair::KeyName|SecurityGroup::GroupName|SecurityGroup::Id|Subnet::Id|VPC::Id|Volume::Id)|Route53::HostedZone::Id)>?$`)
)

// SSM says that the parameter's value names an SSM parameter to read.
func (p *Parameter) SSM() bool { return strings.HasPrefix(p.Type, ssmValue) }

func (p *Parameter) list() bool {
	inner := strings.TrimSuffix(strings.TrimPrefix(p.Type, ssmValue), ">")
	return strings.HasPrefix(inner, "List<") || strings.HasPrefix(inner, "CommaDelimitedList")
}

func known(typ string) bool {
	if inner, ok := strings.CutPrefix(typ, ssmValue); ok {
		return strings.HasSuffix(inner, ">") && known(inner[:len(inner)-1])
	}
	return slices.Contains(parameterTypes, typ) || awsTypes.MatchString(typ)
}

func (t *Template) parameter(k, v *Node) *Parameter {
	p := &Parameter{Name: k.Text}
	for i, m := range v.Keys {
		t.parameterMember(p, m, v.Items[i])
	}
	switch {
	case p.Type == "":
		t.fail(k, "Template format error: Every Parameters object must contain a Type member.")
	case !known(p.Type):
		t.fail(v.Get("Type"), "Template format error: Unrecognized parameter type: %s", p.Type).Suggestion = diag.Nearest(p.Type, parameterTypes)
	case p.Default != nil && !p.SSM():
		if err := p.check(*p.Default); err != nil {
			t.fail(v.Get("Default"), "Template error: the Default of a parameter must satisfy its constraints: %v", err)
		}
	}
	return p
}

func (t *Template) parameterMember(p *Parameter, k, v *Node) {
	number := func(set func(*big.Rat)) {
		r, ok := new(big.Rat).SetString(v.Text)
		if !ok {
			t.fail(v, "Template format error: Every %s member must be a number.", k.Text)
			return
		}
		set(r)
	}
	length := func(at **int) {
		n, err := strconv.Atoi(v.Text)
		if err != nil || n < 0 {
			t.fail(v, "Template format error: Every %s member must be a non-negative number.", k.Text)
			return
		}
		*at = &n
	}
	switch k.Text {
	case "Type":
		p.Type = v.Text
	case "Description":
		p.Description = v.Text
	case "ConstraintDescription":
		p.ConstraintDescription = v.Text
	case "Default":
		if v.Kind == List || v.Kind == Map || v.Kind == Null {
			t.fail(v, "Template format error: Every Default member must be a string.")
			return
		}
		p.Default = &v.Text
	case "NoEcho":
		p.NoEcho = strings.EqualFold(v.Text, "true")
	case "AllowedValues":
		for _, a := range v.Items {
			p.AllowedValues = append(p.AllowedValues, a.Text)
		}
	case "AllowedPattern":
		p.AllowedPattern = v.Text
		re, err := regexp.Compile(`^(?:` + v.Text + `)$`)
		if err != nil {
			t.fail(v, "Template format error: Invalid AllowedPattern: %v", err)
			return
		}
		p.pattern = re
	case "MinLength":
		length(&p.MinLength)
	case "MaxLength":
		length(&p.MaxLength)
	case "MinValue":
		number(func(r *big.Rat) { p.MinValue = r })
	case "MaxValue":
		number(func(r *big.Rat) { p.MaxValue = r })
	default:
		t.fail(k, "Invalid template parameter property '%s'", k.Text).Suggestion = diag.Nearest(k.Text, []string{"Type", "Description",
			"ConstraintDescription", "Default", "NoEcho", "AllowedValues", "AllowedPattern", "MinLength", "MaxLength", "MinValue", "MaxValue"})
	}
}

// check says in CloudFormation's words why a value is not allowed.
func (p *Parameter) check(value string) error {
	values := []string{value}
	if p.list() {
		values = split(value)
	}
	for _, v := range values {
		if text := p.violation(v); text != "" {
			if p.ConstraintDescription != "" {
				text = "failed to satisfy constraint: " + p.ConstraintDescription
			}
			return fmt.Errorf("Parameter '%s' %s", p.Name, text)
		}
	}
	return nil
}

func (p *Parameter) violation(v string) string {
	if strings.Contains(p.Type, "Number") {
		n, ok := new(big.Rat).SetString(v)
		switch {
		case !ok:
			return "must be a number"
		case p.MinValue != nil && n.Cmp(p.MinValue) < 0:
			return "must be a number not less than " + p.MinValue.RatString()
		case p.MaxValue != nil && n.Cmp(p.MaxValue) > 0:
			return "must be a number not greater than " + p.MaxValue.RatString()
		}
	}
	switch {
	case len(p.AllowedValues) > 0 && !slices.Contains(p.AllowedValues, v):
		return "must be one of AllowedValues"
	case p.pattern != nil && !p.pattern.MatchString(v):
		return "must match pattern " + p.AllowedPattern
	case p.MinLength != nil && len(v) < *p.MinLength:
		return fmt.Sprintf("must contain at least %d characters", *p.MinLength)
	case p.MaxLength != nil && len(v) > *p.MaxLength:
		return fmt.Sprintf("must contain at most %d characters", *p.MaxLength)
	}
	return ""
}

func split(value string) []string {
	parts := strings.Split(value, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// Values are the parameters' values for Ref: a string, or []any of a list.
// given are the values by name; read gives those of SSM parameters.
func (t *Template) Values(given map[string]string, read func(name string) (string, error)) (map[string]any, error) {
	texts, err := t.Texts(given, read)
	if err != nil {
		return nil, err
	}
	return t.Typed(texts), nil
}

// Texts are the values that the template's parameters have where these are
// given, in the form Typed takes; those of SSM parameters are read.
func (t *Template) Texts(given map[string]string, read func(name string) (string, error)) (map[string]string, error) {
	out := map[string]string{}
	var missing []string
	for _, p := range t.Parameters {
		v, ok := given[p.Name]
		if !ok {
			if p.Default == nil {
				missing = append(missing, p.Name)
				continue
			}
			v = *p.Default
		}
		if p.SSM() {
			value, err := read(v)
			if err != nil {
				return nil, err
			}
			v = value
		} else if err := p.check(v); err != nil {
			return nil, err
		}
		out[p.Name] = v
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("Parameters: [%s] must have values", strings.Join(missing, ", "))
	}
	var unknown []string
	for name := range given {
		if t.Parameter(name) == nil {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return nil, fmt.Errorf("Parameters: [%s] do not exist in the template", strings.Join(unknown, ", "))
	}
	return out, nil
}

// Typed are values for Env: a string, a json.Number, or []any of a list.
func (t *Template) Typed(texts map[string]string) map[string]any {
	out := map[string]any{}
	for _, p := range t.Parameters {
		if v, ok := texts[p.Name]; ok {
			out[p.Name] = p.value(v)
		}
	}
	return out
}

// Parameter is the parameter of that name, or nil.
func (t *Template) Parameter(name string) *Parameter {
	for _, p := range t.Parameters {
		if p.Name == name {
			return p
		}
	}
	return nil
}

func (p *Parameter) value(v string) any {
	if p.list() {
		var items []any
		for _, s := range split(v) {
			items = append(items, s)
		}
		return items
	}
	if p.Type == "Number" && jsonNumber.MatchString(v) {
		return json.Number(v)
	}
	return v
}
