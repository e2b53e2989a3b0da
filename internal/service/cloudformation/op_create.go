package cloudformation

import (
	"context"
	"regexp"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/cloudformation"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

var stackName = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]*$`)

func checkName(name string) error {
	if !stackName.MatchString(name) {
		return invalid("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", name)
	}
	if len(name) > 128 {
		return invalid("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must have length less than or equal to 128", name)
	}
	return nil
}

// newStack is a stack that is not there yet.
func (s *Service) newStack(ctx context.Context, name string) *stack {
	c := bus.From(ctx)
	id := s.IDs.UUID()
	return &stack{Account: c.Account, Region: c.Region, Name: name, ID: id, ARN: c.ARN("cloudformation", "stack/"+name+"/"+id), Created: s.Clock.Now()}
}

// parentage is the stack that a nested stack belongs to.
type parentage struct{ id, root, operation string }

// CreateStack makes a stack.
func (s *Service) CreateStack(ctx context.Context, in *api.CreateStackInput) (*api.CreateStackOutput, error) {
	arn, err := s.create(ctx, in, nil)
	if err := s.linger(ctx, arn, err); err != nil {
		return nil, err
	}
	return &api.CreateStackOutput{StackId: &arn}, nil
}

func (s *Service) create(ctx context.Context, in *api.CreateStackInput, parent *parentage) (string, error) {
	if err := checkName(*in.StackName); err != nil {
		return "", err
	}
	if in.OnFailure != nil && in.DisableRollback != nil {
		return "", invalid("You can specify either OnFailure or DisableRollback, but not both.")
	}
	policy, err := s.policyText(ctx, in.StackPolicyBody, in.StackPolicyURL)
	if err != nil {
		return "", err
	}
	st := s.newStack(ctx, *in.StackName)
	if old, err := s.repeated(ctx, *in.StackName, in.ClientRequestToken); err != nil || old != "" {
		return old, err
	}
	p, err := s.plan(ctx, &wish{
		stack: st, isNew: true, source: source{in.TemplateBody, in.TemplateURL, false}, parameters: in.Parameters, capabilities: in.Capabilities,
		types: in.ResourceTypes, tags: in.Tags, notify: in.NotificationARNs, rollback: in.RollbackConfiguration,
	})
	if err != nil {
		return "", err
	}
	if p.lacks != "" {
		return "", insufficient(p.lacks)
	}
	st.Spec, st.RoleARN, st.Policy = p.spec, value(in.RoleARN), policy
	st.TimeoutInMinutes, st.Protected = value(in.TimeoutInMinutes), value(in.EnableTerminationProtection)
	st.Operation = operation{Kind: "create", Token: value(in.ClientRequestToken), OnFailure: onFailure(in.OnFailure, in.DisableRollback), RetainExceptOnCreate: value(in.RetainExceptOnCreate)}
	st.RootID = ""
	if parent != nil {
		st.ParentID, st.RootID, st.Operation.Parent = parent.id, parent.root, parent.operation
	}
	return st.ARN, s.Store.Update(ctx, func(tx *store.Tx) error {
		if err := st.claim(tx); err != nil {
			return err
		}
		if err := p.keep(tx, st.ID); err != nil {
			return err
		}
		return s.start(tx, st, "CREATE_IN_PROGRESS", "User Initiated")
	})
}

// claim gives a new stack its name.
func (st *stack) claim(tx *store.Tx) error {
	if _, taken, err := names.Get(tx, st.Account, st.Region, st.Name); err != nil {
		return err
	} else if taken {
		return api.AlreadyExistsException("Stack [%s] already exists", st.Name)
	}
	return names.Put(tx, named{st.Name, st.ID}, st.Account, st.Region, st.Name)
}

func onFailure(given *string, disabled *bool) string {
	switch {
	case given != nil:
		return *given
	case value(disabled):
		return "DO_NOTHING"
	}
	return "ROLLBACK"
}

// start begins the operation that st.Operation describes.
func (s *Service) start(tx *store.Tx, st *stack, status, reason string) error {
	st.Operation.ID, st.Operation.Started = s.IDs.UUID(), s.Clock.Now()
	if t := st.Operation.Token; t != "" {
		if st.Tokens == nil {
			st.Tokens = map[string]string{}
		}
		st.Tokens[t] = st.Operation.Kind
	}
	if err := s.turn(tx, st, status, reason); err != nil {
		return err
	}
	if err := st.put(tx); err != nil {
		return err
	}
	return s.Work.Submit(tx, s.task(st))
}

// repeated is the ARN of the stack that an earlier request with the same token
// has made.
func (s *Service) repeated(ctx context.Context, name string, token *string) (arn string, err error) {
	if token == nil {
		return "", nil
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		st, err := find(tx, bus.From(ctx), name)
		if err == nil && st != nil && st.Tokens[*token] == "create" {
			arn = st.ARN
		}
		return err
	})
	return arn, err
}

// find is the stack of a name or ARN, nil where there is none; only an ARN finds
// one that is deleted.
func find(tx *store.Tx, c bus.Caller, name string) (*stack, error) {
	id := name
	if a, ok := bus.ParseARN(name); ok {
		parts := strings.Split(a.Resource, "/")
		if a.Service != "cloudformation" || len(parts) != 3 || parts[0] != "stack" {
			return nil, nil
		}
		id = parts[2]
		c.Account, c.Region = a.Account, a.Region
	} else {
		n, ok, err := names.Get(tx, c.Account, c.Region, name)
		if err != nil || !ok {
			return nil, err
		}
		id = n.ID
	}
	st, ok, err := stacks.Get(tx, c.Account, c.Region, id)
	if err != nil || !ok {
		return nil, err
	}
	return &st, nil
}

// view is find in a View; missing words that there is none.
func (s *Service) view(ctx context.Context, name string, missing func(string) error) (st *stack, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		st, err = find(tx, bus.From(ctx), name)
		return err
	})
	if err == nil && st == nil {
		err = missing(name)
	}
	return st, err
}

// policyText is a stack policy that a request gives.
func (s *Service) policyText(ctx context.Context, body, url *string) (string, error) {
	switch {
	case body != nil && url != nil:
		return "", invalid("You cannot specify both StackPolicyURL and StackPolicyBody")
	case url != nil:
		text, err := s.download(ctx, *url)
		if err != nil {
			return "", err
		}
		return text, checkPolicy(text)
	case body != nil:
		return *body, checkPolicy(*body)
	}
	return "", nil
}

// active are the statuses of a stack that can be updated.
var active = []string{"CREATE_COMPLETE", "CREATE_FAILED", "UPDATE_COMPLETE", "UPDATE_FAILED", "UPDATE_ROLLBACK_COMPLETE"}

func updatable(st *stack) error {
	if !slices.Contains(active, st.Status) {
		return invalid("Stack:%s is in %s state and can not be updated.", st.ARN, st.Status)
	}
	return nil
}
