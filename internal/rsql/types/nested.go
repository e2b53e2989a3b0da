package types

import "strings"

// Element is the type of the elements of a nested array. A map is an array of
// structs of key and value ("Extension 4: Accessing elements of maps" of the
// guide). False if the type is no array or map.
func (t Type) Element() (Type, bool) {
	if inner, ok := t.inner("array"); ok {
		return hiveType(inner), true
	}
	if inner, ok := t.inner("map"); ok {
		return Type{Kind: Nested, Text: "struct<key:" + strings.Join(commas(inner), ",value:") + ">"}, true
	}
	return Type{}, false
}

// Field is the type of an attribute of a nested struct.
func (t Type) Field(name string) (Type, bool) {
	inner, ok := t.inner("struct")
	if !ok {
		return Type{}, false
	}
	for _, f := range commas(inner) {
		if n, of, ok := strings.Cut(f, ":"); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			return hiveType(of), true
		}
	}
	return Type{}, false
}

// inner is what stands between the angle brackets of a nested type.
func (t Type) inner(kind string) (string, bool) {
	text := strings.TrimSpace(t.Text)
	if t.Kind != Nested || len(text) < len(kind) || !strings.EqualFold(text[:len(kind)], kind) {
		return "", false
	}
	text = strings.TrimSpace(text[len(kind):])
	if !strings.HasPrefix(text, "<") || !strings.HasSuffix(text, ">") {
		return "", false
	}
	return text[1 : len(text)-1], true
}

// commas parts a list at the commas that stand in no brackets.
func commas(text string) []string {
	var list []string
	depth, from := 0, 0
	for i, c := range text {
		switch c {
		case '<', '(':
			depth++
		case '>', ')':
			depth--
		case ',':
			if depth == 0 {
				list = append(list, text[from:i])
				from = i + 1
			}
		}
	}
	return append(list, text[from:])
}

// hiveType is the type of a part of a nested type; Super where the name is not known.
func hiveType(text string) Type {
	text = strings.ToLower(strings.TrimSpace(text))
	if strings.Contains(text, "<") {
		return Type{Kind: Nested, Text: text}
	}
	name, rest, limited := strings.Cut(text, "(")
	var args []string
	if limited {
		for _, a := range strings.Split(strings.TrimSuffix(rest, ")"), ",") {
			args = append(args, strings.TrimSpace(a))
		}
	}
	if name = strings.TrimSpace(name); name == "string" {
		args = []string{"max"}
	}
	t, err := Parse(name, args, "")
	if err != nil {
		return Type{Kind: Super}
	}
	return t
}
