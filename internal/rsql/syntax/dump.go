package syntax

import (
	"fmt"
	"reflect"
	"strings"
)

// Dump prints a tree, one node a line, without positions and without what is
// empty. Two trees that dump alike mean the same. It prints emit's trees, too.
func Dump(node any) string {
	var b strings.Builder
	dump(&b, reflect.ValueOf(node), "", "")
	return b.String()
}

func dump(b *strings.Builder, v reflect.Value, label, indent string) {
	for v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	if label != "" {
		label += ": "
	}
	switch v.Kind() {
	case reflect.Struct:
		if id, ok := v.Interface().(Ident); ok {
			fmt.Fprintf(b, "%s%s%q\n", indent, label, id.Name)
			return
		}
		fmt.Fprintf(b, "%s%s%s\n", indent, label, v.Type().Name())
		dumpFields(b, v, indent+"  ")
	case reflect.Slice:
		for i := range v.Len() {
			dump(b, v.Index(i), strings.TrimSuffix(label, ": "), indent)
		}
	case reflect.String:
		fmt.Fprintf(b, "%s%s%q\n", indent, label, v.String())
	default:
		fmt.Fprintf(b, "%s%s%v\n", indent, label, v.Interface())
	}
}

func dumpFields(b *strings.Builder, v reflect.Value, indent string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || f.Type == reflect.TypeFor[Pos]() || v.Field(i).IsZero() || f.Name == "Source" && f.Type.Kind() == reflect.String ||
			f.Name == "Text" && v.Type() == reflect.TypeFor[Prepare]() {
			continue
		}
		dump(b, v.Field(i), f.Name, indent)
	}
}
