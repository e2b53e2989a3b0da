package syntax

import (
	"reflect"
	"strings"
)

// FoldNames puts the quoted identifiers of a statement in lower case, in place:
// what they are unless enable_case_sensitive_identifier is on. It is for the
// statements whose names are recorded; queries are folded where names are
// resolved.
func FoldNames(s Statement) { foldNames(reflect.ValueOf(s)) }

func foldNames(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if !v.IsNil() {
			foldNames(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			foldNames(v.Index(i))
		}
	case reflect.Struct:
		if v.CanAddr() {
			if id, ok := v.Addr().Interface().(*Ident); ok {
				if id.Quoted {
					id.Name = strings.ToLower(id.Name)
				}
				return
			}
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				foldNames(v.Field(i))
			}
		}
	}
}
