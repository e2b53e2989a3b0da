package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// policy is the resource-based policy of a function, version, alias or layer version.
type policy struct {
	Statements []statement
	Revision   string
}

// statement is a statement as AddPermission writes it.
type statement struct {
	Sid       string
	Effect    string
	Principal any
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// text is the policy as GetPolicy returns it.
func (p policy) text() (string, error) {
	b, err := json.Marshal(struct {
		Version   string
		ID        string `json:"Id"`
		Statement []statement
	}{"2012-10-17", "default", p.Statements})
	return string(b), err
}

// principal is who a statement is for: a service, an account or everybody.
func principal(p string) any {
	switch {
	case p == "*":
		return p
	case bus.IsAccount(p):
		return map[string]string{"AWS": "arn:aws:iam::" + p + ":root"}
	case strings.HasPrefix(p, "arn:"):
		return map[string]string{"AWS": p}
	}
	return map[string]string{"Service": p}
}

// conditions are what AddPermission's parameters demand.
func conditions(r *api.AddPermissionInput) map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, c := range []struct {
		operator, key string
		value         *string
	}{
		{"ArnLike", "AWS:SourceArn", r.SourceArn},
		{"StringEquals", "AWS:SourceAccount", r.SourceAccount},
		{"StringEquals", "lambda:EventSourceToken", r.EventSourceToken},
		{"StringEquals", "aws:PrincipalOrgID", r.PrincipalOrgID},
		{"StringEquals", "lambda:FunctionUrlAuthType", r.FunctionUrlAuthType},
	} {
		if c.value == nil {
			continue
		}
		if all[c.operator] == nil {
			all[c.operator] = map[string]string{}
		}
		all[c.operator][c.key] = *c.value
	}
	return all
}

// changePolicy changes the policy of what key names.
func (s *Service) changePolicy(tx *store.Tx, revision *string, change func(*policy) error, key ...string) error {
	p, _, err := policies.Get(tx, key...)
	if err != nil {
		return err
	}
	if revision != nil && *revision != p.Revision {
		return revisionChanged()
	}
	if err := change(&p); err != nil {
		return err
	}
	if p.Revision = s.IDs.UUID(); len(p.Statements) == 0 {
		_, err := policies.Delete(tx, key...)
		return err
	}
	return policies.Put(tx, p, key...)
}

// add adds a statement; its id is to be new.
func (p *policy) add(st statement) error {
	if slices.ContainsFunc(p.Statements, func(o statement) bool { return o.Sid == st.Sid }) {
		return user(api.ResourceConflictException("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", st.Sid))
	}
	p.Statements = append(p.Statements, st)
	return nil
}

func (p *policy) remove(sid string) error {
	n := len(p.Statements)
	p.Statements = slices.DeleteFunc(p.Statements, func(o statement) bool { return o.Sid == sid })
	if len(p.Statements) == n {
		return user(api.ResourceNotFoundException("Statement %s is not found in resource policy.", sid))
	}
	return nil
}

func policyNotFound() error {
	return user(api.ResourceNotFoundException("The resource you requested does not exist."))
}

func (s *Service) addPermission(ctx context.Context, r *api.AddPermissionInput) (*api.AddPermissionOutput, error) {
	to, err := refer(ctx, *r.FunctionName, r.Qualifier)
	if err != nil {
		return nil, err
	}
	st := statement{Sid: *r.StatementId, Effect: "Allow", Principal: principal(*r.Principal), Action: *r.Action, Resource: to.arn(), Condition: conditions(r)}
	if err := s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := find(tx, to, nil); err != nil {
			return err
		}
		return s.changePolicy(tx, r.RevisionId, func(p *policy) error { return p.add(st) }, to.unqualified(), qualifierKey(to.Qualifier))
	}); err != nil {
		return nil, err
	}
	text, err := json.Marshal(st)
	return &api.AddPermissionOutput{Statement: new(string(text))}, err
}

func (s *Service) removePermission(ctx context.Context, r *api.RemovePermissionInput) (*api.RemovePermissionOutput, error) {
	to, err := refer(ctx, *r.FunctionName, r.Qualifier)
	if err != nil {
		return nil, err
	}
	return &api.RemovePermissionOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := find(tx, to, nil); err != nil {
			return err
		}
		return s.changePolicy(tx, r.RevisionId, func(p *policy) error { return p.remove(*r.StatementId) }, to.unqualified(), qualifierKey(to.Qualifier))
	})
}

func (s *Service) getPolicy(ctx context.Context, r *api.GetPolicyInput) (*api.GetPolicyOutput, error) {
	to, err := refer(ctx, *r.FunctionName, r.Qualifier)
	if err != nil {
		return nil, err
	}
	out := &api.GetPolicyOutput{}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		if _, err := find(tx, to, nil); err != nil {
			return err
		}
		p, there, err := policies.Get(tx, to.unqualified(), qualifierKey(to.Qualifier))
		if err != nil || !there {
			return cmp.Or[error](err, policyNotFound())
		}
		text, err := p.text()
		out.Policy, out.RevisionId = &text, &p.Revision
		return err
	})
}
