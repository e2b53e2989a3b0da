package resource

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Decode sets the members of in, a pointer to a generated input struct, from
// properties: a property belongs to the member of the same name, however its
// letters are capitalised, or to the one that rename gives for it ("" leaves it
// out). As CloudFormation does, it takes texts for numbers and booleans and the
// reverse, and writes an object as JSON where the member is a text. A list of
// tags becomes a map where the member is one.
//
// The error names a property that the input does not have, or of the wrong type.
func Decode(properties map[string]any, in any, rename map[string]string) error {
	return structure("", properties, reflect.ValueOf(in).Elem(), rename)
}

func structure(path string, properties map[string]any, v reflect.Value, rename map[string]string) error {
	names := make([]string, 0, len(properties))
	for name := range properties {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		member := name
		if to, ok := rename[path+name]; ok {
			member = to
		}
		x := properties[name]
		if member == "" || x == nil {
			continue
		}
		f := v.FieldByNameFunc(func(field string) bool { return strings.EqualFold(field, member) })
		if !f.IsValid() {
			return fmt.Errorf("#: extraneous key [%s] is not permitted", path+name)
		}
		if err := value(path+name, x, f, rename); err != nil {
			return err
		}
	}
	return nil
}

var instant = reflect.TypeFor[time.Time]()

func value(path string, x any, v reflect.Value, rename map[string]string) error {
	wrong := func(want string) error { return fmt.Errorf("#/%s: expected type: %s, found: %s", path, want, found(x)) }
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return value(path, x, v.Elem(), rename)
	case v.Type() == instant:
		text, _ := Text(x)
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return wrong("Timestamp")
		}
		v.Set(reflect.ValueOf(t))
		return nil
	}
	switch v.Kind() {
	case reflect.Interface:
		v.Set(reflect.ValueOf(x))
	case reflect.String:
		text, ok := Text(x)
		if !ok {
			b, err := json.Marshal(x)
			if err != nil {
				return wrong("String")
			}
			text = string(b)
		}
		v.SetString(text)
	case reflect.Int64, reflect.Float64, reflect.Bool:
		text, ok := Text(x)
		if !ok || !scalar(text, v) {
			return wrong(map[reflect.Kind]string{reflect.Int64: "Integer", reflect.Float64: "Number", reflect.Bool: "Boolean"}[v.Kind()])
		}
	case reflect.Struct:
		m, ok := x.(map[string]any)
		if !ok {
			return wrong("JSONObject")
		}
		return structure(path+"/", m, v, rename)
	case reflect.Slice:
		return list(path, x, v, rename)
	case reflect.Map:
		return entries(path, x, v, rename)
	}
	return nil
}

func scalar(text string, v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Int64:
		n, err := strconv.ParseInt(strings.TrimSuffix(text, ".0"), 10, 64)
		v.SetInt(n)
		return err == nil
	case reflect.Float64:
		n, err := strconv.ParseFloat(text, 64)
		v.SetFloat(n)
		return err == nil
	default:
		b, err := strconv.ParseBool(strings.ToLower(text))
		v.SetBool(b)
		return err == nil
	}
}

func list(path string, x any, v reflect.Value, rename map[string]string) error {
	if v.Type().Elem().Kind() == reflect.Uint8 { // a blob
		text, ok := Text(x)
		b, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil {
			return fmt.Errorf("#/%s: expected type: Base64, found: %s", path, found(x))
		}
		v.SetBytes(b)
		return nil
	}
	items, ok := x.([]any)
	if !ok {
		items = []any{x} // CloudFormation takes one thing for a list of it
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		if err := value(path, item, v.Index(i), rename); err != nil {
			return err
		}
	}
	return nil
}

func entries(path string, x any, v reflect.Value, rename map[string]string) error {
	m, ok := x.(map[string]any)
	if !ok {
		tags, isTags := TagMap(x)
		if !isTags {
			return fmt.Errorf("#/%s: expected type: JSONObject, found: %s", path, found(x))
		}
		m = map[string]any{}
		for k, t := range tags {
			m[k] = t
		}
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(m)))
	for key, item := range m {
		elem := reflect.New(v.Type().Elem()).Elem()
		if err := value(path+"/"+key, item, elem, rename); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), elem)
	}
	return nil
}

// Text is a scalar property as text; ok is false where it is none.
func Text(x any) (text string, ok bool) {
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

// Texts are the items of a list property as texts; a single text is a list of
// one.
func Texts(x any) []string {
	items, ok := x.([]any)
	if !ok {
		items = []any{x}
	}
	var texts []string
	for _, item := range items {
		if text, ok := Text(item); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// TagMap are tags, written as a list of Key and Value or as an object.
func TagMap(x any) (tags map[string]string, ok bool) {
	tags = map[string]string{}
	switch x := x.(type) {
	case nil:
	case map[string]any:
		for k, v := range x {
			tags[k], _ = Text(v)
		}
	case []any:
		for _, item := range x {
			tag, isMap := item.(map[string]any)
			key, isKey := Text(tag["Key"])
			if !isMap || !isKey {
				return nil, false
			}
			tags[key], _ = Text(tag["Value"])
		}
	default:
		return nil, false
	}
	return tags, true
}

// AllTags are the tags of the request's Tags property (a list or an object)
// and those that every resource of the stack gets, as a list of Key and Value
// that Decode takes, by key.
func (r *Request) AllTags() []any { return tagList(joined(r.Tags, r.Properties["Tags"])) }

// ChangedTags are, in Update, the tags to set, as AllTags gives them, and the
// keys of those to remove; both are empty where no tag has changed.
func (r *Request) ChangedTags() (set []any, remove []string) {
	now, before := joined(r.Tags, r.Properties["Tags"]), joined(r.OldTags, r.Old["Tags"])
	for k := range before {
		if _, there := now[k]; !there {
			remove = append(remove, k)
		}
	}
	slices.Sort(remove)
	maps.DeleteFunc(now, func(k, v string) bool {
		was, there := before[k]
		return there && was == v
	})
	return tagList(now), remove
}

// joined are the tags of a stack with those of a property over them.
func joined(stack map[string]string, property any) map[string]string {
	all := map[string]string{}
	maps.Copy(all, stack)
	own, _ := TagMap(property)
	maps.Copy(all, own)
	return all
}

func tagList(tags map[string]string) []any {
	list := []any{}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, map[string]any{"Key": k, "Value": tags[k]})
	}
	return list
}

// Equal compares evaluated properties; 1 and "1" are the same, as they are in
// CloudFormation.
func Equal(a, b any) bool {
	if ta, ok := Text(a); ok {
		tb, isText := Text(b)
		return isText && ta == tb
	}
	switch a := a.(type) {
	case []any:
		bs, ok := b.([]any)
		return ok && slices.EqualFunc(a, bs, Equal)
	case map[string]any:
		bs, ok := b.(map[string]any)
		if !ok || len(a) != len(bs) {
			return false
		}
		for k, v := range a {
			if w, there := bs[k]; !there || !Equal(v, w) {
				return false
			}
		}
		return true
	}
	return a == nil && b == nil
}

func found(x any) string {
	switch x.(type) {
	case map[string]any:
		return "JSONObject"
	case []any:
		return "JSONArray"
	case bool:
		return "Boolean"
	case json.Number:
		return "Number"
	case nil:
		return "Null"
	}
	return "String"
}
