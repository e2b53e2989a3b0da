package forward

import (
	"maps"
	"reflect"
	"strings"

	"github.com/google/uuid"

	"stepwell/internal/awsapi"
)

// streams says that an input has a body that can be read only once.
func streams(m *awsapi.Model, op *awsapi.Operation, in any) bool {
	v := reflect.ValueOf(in).Elem()
	for i := range m.Shapes[op.Input].Members {
		if m.Shapes[op.Input].Members[i].Streaming && !v.Field(i).IsNil() {
			return true
		}
	}
	return false
}

// copied is a shallow copy of an input, whose members may be set.
func copied(in any) reflect.Value {
	v := reflect.New(reflect.TypeOf(in).Elem())
	v.Elem().Set(reflect.ValueOf(in).Elem())
	return v
}

// withTokens fills in absent idempotency tokens, so that a request that is sent
// again is not done again.
func withTokens(m *awsapi.Model, op *awsapi.Operation, in any) any {
	v := copied(in)
	for i := range m.Shapes[op.Input].Members {
		if m.Shapes[op.Input].Members[i].IdempotencyToken && v.Elem().Field(i).IsNil() {
			v.Elem().Field(i).Set(reflect.ValueOf(new(uuid.NewString())))
		}
	}
	return v.Interface()
}

// withoutSystemTags leaves out the tags that begin with "aws:", which stacks give
// their resources: AWS takes them from its own CloudFormation only.
func withoutSystemTags(in any) any {
	v := copied(in)
	for i := range v.Elem().NumField() {
		f := v.Elem().Field(i)
		if !strings.EqualFold(v.Elem().Type().Field(i).Name, "Tags") {
			continue
		}
		switch tags := f.Interface().(type) {
		case map[string]string:
			kept := maps.Clone(tags)
			maps.DeleteFunc(kept, func(key, _ string) bool { return strings.HasPrefix(key, "aws:") })
			f.Set(reflect.ValueOf(kept))
		default:
			if f.Kind() == reflect.Slice {
				f.Set(ownTags(f))
			}
		}
	}
	return v.Interface()
}

// ownTags are those of a list of structs with a Key that are a user's.
func ownTags(list reflect.Value) reflect.Value {
	kept := reflect.Zero(list.Type())
	for i := range list.Len() {
		tag := list.Index(i)
		key, ok := keyOf(tag)
		if !ok || !strings.HasPrefix(key, "aws:") {
			kept = reflect.Append(kept, tag)
		}
	}
	return kept
}

func keyOf(tag reflect.Value) (string, bool) {
	if tag.Kind() != reflect.Struct {
		return "", false
	}
	for _, name := range []string{"Key", "TagKey"} {
		if f := tag.FieldByName(name); f.IsValid() {
			if key, ok := f.Interface().(*string); ok && key != nil {
				return *key, true
			}
		}
	}
	return "", false
}
