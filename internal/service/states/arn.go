package states

import (
	"context"
	"strings"
	"unicode"

	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// resource is the name of a Step Functions resource in its parts.
type resource struct {
	ARN       string
	Account   string
	Region    string
	Kind      string // stateMachine, execution, express, activity
	Name      string // of the state machine or activity
	Qualifier string // version number or alias of a state machine
	Execution string // name of an execution, id of a map run
}

// Kinds of resources as they stand in ARNs.
const (
	kindMachine   = "stateMachine"
	kindExecution = "execution"
	kindExpress   = "express"
	kindActivity  = "activity"
	kindMapRun    = "mapRun"
)

// parseARN reads a Step Functions ARN of one of the wanted kinds that belongs
// to the caller's account.
func parseARN(ctx context.Context, text string, wanted ...string) (resource, error) {
	if !strings.HasPrefix(text, "arn:") {
		return resource{}, invalidARN("Invalid ARN prefix: " + text)
	}
	a, ok := bus.ParseARN(text)
	if !ok || a.Service != "states" {
		return resource{}, invalidARN("Invalid ARN: " + text)
	}
	parts := strings.Split(a.Resource, ":")
	r := resource{ARN: text, Account: a.Account, Region: a.Region, Kind: parts[0]}
	if !kindAmong(r.Kind, wanted) {
		return resource{}, invalidARN("Resource type not valid in this context: " + r.Kind)
	}
	if len(parts) < 2 || parts[1] == "" {
		return resource{}, invalidARN("Invalid ARN: " + text)
	}
	r.Name = parts[1]
	if r.Kind == kindMachine && strings.Contains(r.Name, "/") { // API reference, StartExecution
		return resource{}, validation("The state machine ARN refers to a Distributed Map state: '%s'", text)
	}
	switch {
	case r.Kind == kindExecution && len(parts) == 3, r.Kind == kindMapRun && len(parts) == 3, r.Kind == kindExpress && len(parts) == 4:
		r.Execution = parts[2]
	case r.Kind == kindMachine && len(parts) == 3:
		r.Qualifier = parts[2]
	case len(parts) != 2 || r.Kind == kindExecution || r.Kind == kindExpress || r.Kind == kindMapRun:
		return resource{}, invalidARN("Invalid ARN: " + text)
	}
	if c := bus.From(ctx); c.Account != r.Account {
		return resource{}, accessDenied(c.Principal)
	}
	return r, nil
}

func kindAmong(kind string, wanted []string) bool {
	for _, w := range wanted {
		if w == kind {
			return true
		}
	}
	return false
}

// parentMachine is the state machine that runs the Map run that r names.
func (r resource) parentMachine() string { return r.Name[:max(strings.LastIndexByte(r.Name, '/'), 0)] }

// machineARN is the unqualified ARN of the state machine that r names or belongs to.
func (r resource) machineARN() string {
	return bus.ARN{Partition: "aws", Service: "states", Region: r.Region, Account: r.Account, Resource: kindMachine + ":" + r.Name}.String()
}

// validName reports whether AWS takes name for a state machine, an activity or
// an execution: CreateStateMachine in the API reference lists what is refused.
func validName(name string) bool {
	for _, c := range name {
		if unicode.IsSpace(c) || unicode.IsControl(c) || strings.ContainsRune("<>{}[]?*\"#%\\^|~`$&,;:/", c) || c == unicode.ReplacementChar || c == 0xFFFE || c == 0xFFFF {
			return false
		}
	}
	return name != ""
}

// checkRole checks the form of a role's ARN.
func checkRole(text string) *awserr.Error {
	if !strings.HasPrefix(text, "arn:") {
		return invalidARN("Invalid ARN prefix: " + text)
	}
	a, ok := bus.ParseARN(text)
	if !ok || a.Service != "iam" || len(a.Account) != 12 || !strings.HasPrefix(a.Resource, "role/") || a.Resource == "role/" {
		return invalidARN(text)
	}
	return nil
}
