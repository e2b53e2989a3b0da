package states

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"stepwell/internal/clock"
	"stepwell/internal/store"
)

// TestQuotas fills a state machine with versions and aliases.
func TestQuotas(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "s.db"), clock.New(0), newNeighbours())
	defer w.close()
	const arn = "arn:aws:states:us-east-1:123456789012:stateMachine:m"
	pass := `{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Pass\",\"Comment\":\"%s\",\"End\":true}}}`
	w.must("CreateStateMachine", `{"Name":"m","Publish":true,"RoleArn":"arn:aws:iam::123456789012:role/r","Definition":"`+fmt.Sprintf(pass, "1")+`"}`)
	if err := w.store.Update(context.Background(), func(tx *store.Tx) error {
		for i := range int64(maxVersions - 2) {
			v := version{ARN: fmt.Sprint(arn, ":", i+100), Revision: fmt.Sprint("r", i)}
			if err := versions.Put(tx, v, "123456789012", "us-east-1", "m", versionKey(i+100)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	alias := `{"Name":"%s","RoutingConfiguration":[{"StateMachineVersionArn":"` + arn + `:1","Weight":100}]}`
	for i := range maxAliases - 1 {
		w.must("CreateStateMachineAlias", fmt.Sprintf(alias, fmt.Sprint("a", i)))
	}
	for _, c := range []struct{ operation, input, want string }{
		{"UpdateStateMachine", `{"StateMachineArn":"` + arn + `","Publish":true,"Definition":"` + fmt.Sprintf(pass, "2") + `"}`, ""},
		{"UpdateStateMachine", `{"StateMachineArn":"` + arn + `","Publish":true,"Definition":"` + fmt.Sprintf(pass, "3") + `"}`,
			"ServiceQuotaExceededException: The maximum number of versions of a state machine has been reached: 1000"},
		{"PublishStateMachineVersion", `{"StateMachineArn":"` + arn + `"}`, ""}, // of what was published before
		{"DeleteStateMachineVersion", `{"StateMachineVersionArn":"` + arn + `:107"}`, ""},
		{"UpdateStateMachine", `{"StateMachineArn":"` + arn + `","Publish":true,"Definition":"` + fmt.Sprintf(pass, "4") + `"}`, ""},
		{"CreateStateMachineAlias", fmt.Sprintf(alias, "last"), ""},
		{"CreateStateMachineAlias", fmt.Sprintf(alias, "one-more"),
			"ServiceQuotaExceededException: The maximum number of aliases of a state machine has been reached: 100"},
		{"CreateStateMachineAlias", fmt.Sprintf(alias, "last"), ""}, // which is there
		{"DeleteStateMachineAlias", `{"StateMachineAliasArn":"` + arn + `:a5"}`, ""},
		{"CreateStateMachineAlias", fmt.Sprintf(alias, "one-more"), ""},
	} {
		got := ""
		if _, err := w.call("states", c.operation, c.input); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s %s: %q, want %q", c.operation, c.input, got, c.want)
		}
	}
}
