package server

import (
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/diag"
	"stepwell/internal/service/cloudformation"
	"stepwell/internal/service/cloudformation/types"
	"stepwell/internal/service/states"
)

// CheckDefinition says what is wrong with a state machine definition, as the
// server's ValidateStateMachineDefinition does; no server runs for it. kind is
// STANDARD or EXPRESS.
func CheckDefinition(definition, kind string) diag.List {
	b := bus.New()
	for _, table := range Tables() {
		b.Register(table)
	}
	return states.New(states.Deps{Catalog: b, Clock: clock.New(1), IDs: bus.RandomIDs{}}).Check(definition, kind)
}

// CheckTemplate says what is wrong with a CloudFormation template, and warns of
// what is not known here; no server runs for it.
func CheckTemplate(text string) diag.List {
	return cloudformation.New(cloudformation.Deps{Types: types.All()}).Check(text)
}

// Mocks are the test cases of a mock configuration file.
type Mocks = states.Mocks

// ParseMocks reads a mock configuration file. The diagnostics point into the
// text; the mocks are usable when there are none.
func ParseMocks(text string) (*Mocks, diag.List) { return states.ParseMocks(text) }
