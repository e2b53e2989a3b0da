package statestype

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/service/cloudformation/resource"
)

// object answers every call with one object.
type object string

func (o object) Invoke(context.Context, string, string, any) (any, error) {
	return &s3.GetObjectOutput{Body: io.NopCloser(strings.NewReader(string(o)))}, nil
}

// TestStoredDefinition reads definitions of objects, with substitutions.
func TestStoredDefinition(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"${F}","End":true}}}`, `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:f","End":true}}}`},
		{`{"TimeoutSeconds":${N},"Live":${B}}`, `{"TimeoutSeconds":5,"Live":true}`},
		{"StartAt: A\nTimeoutSeconds: ${N}\nComment: n is ${N}\n", `{"StartAt":"A","TimeoutSeconds":5,"Comment":"n is 5"}`},
		{"{", "neither JSON nor YAML"},
	} {
		r := &resource.Request{Bus: object(c.text), Properties: map[string]any{
			"DefinitionS3Location":    map[string]any{"Bucket": "b", "Key": "k"},
			"DefinitionSubstitutions": map[string]any{"F": "arn:f", "N": json.Number("5"), "B": true},
		}}
		got, err := definition(t.Context(), r)
		if err != nil {
			got = err.Error()
		}
		if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}
