package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/bus"
	"stepwell/internal/paging"
	"stepwell/internal/schedule"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

func (s *Service) putRule(ctx context.Context, in *api.PutRuleInput) (*api.PutRuleOutput, error) {
	c, on := busAt(ctx, in.EventBusName)
	if in.EventPattern == nil && in.ScheduleExpression == nil {
		return nil, validation("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	}
	if in.EventPattern != nil {
		if len(*in.EventPattern) > maxPattern {
			return nil, badPattern("Event pattern is longer than %d characters", maxPattern)
		}
		if _, err := parsePattern(*in.EventPattern); err != nil {
			return nil, err
		}
	}
	if in.ScheduleExpression != nil {
		if on != defaultBus {
			return nil, validation("ScheduleExpression is supported only on the default event bus.")
		}
		if _, err := schedule.ParseRule(*in.ScheduleExpression); err != nil {
			return nil, validation("Parameter ScheduleExpression is not valid.")
		}
	}
	if err := checkTags(c, in.Tags); err != nil {
		return nil, err
	}
	resource := "rule/" + *in.Name
	if on != defaultBus {
		resource = "rule/" + on + "/" + *in.Name
	}
	r := rule{ARN: c.ARN("events", resource), Name: *in.Name, Bus: on, Account: c.Account, Region: c.Region, Pattern: value(in.EventPattern),
		Schedule: value(in.ScheduleExpression), State: enabled, Description: value(in.Description), Role: value(in.RoleArn)}
	if in.State != nil {
		r.State = *in.State
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := findBus(tx, c, on); err != nil {
			return err
		}
		old, ok, err := rules.Get(tx, c.Account, c.Region, on, r.Name)
		if err != nil {
			return err
		}
		if r.Tags = old.Tags; !ok { // tags of an update are ignored
			r.Tags = tagged(nil, in.Tags)
		}
		r.Targets, r.Plan, r.Since = old.Targets, old.Plan, old.Since
		if old.Schedule != r.Schedule || old.enabled() != r.enabled() || !ok {
			if err := s.plan(tx, &r); err != nil {
				return err
			}
		}
		return r.put(tx)
	})
	return &api.PutRuleOutput{RuleArn: &r.ARN}, err
}

// plan makes a new schedule of a rule's expression; tasks of an earlier one end
// when they come.
func (s *Service) plan(tx *store.Tx, r *rule) error {
	r.Plan, r.Since = "", s.Clock.Now()
	if r.Schedule == "" || !r.enabled() {
		return nil
	}
	r.Plan = s.IDs.UUID()
	return s.planNext(tx, r, r.Since)
}

// tick is the payload of a schedule's task.
type tick struct{ Account, Region, Bus, Name, Plan string }

func (s *Service) planNext(tx *store.Tx, r *rule, after time.Time) error {
	sc, err := schedule.ParseRule(r.Schedule)
	if err != nil {
		return fmt.Errorf("cannot read the schedule of %s: %w", r.ARN, err)
	}
	at, ok := sc.Next(r.Since, after)
	if !ok {
		return nil
	}
	payload, err := json.Marshal(tick{r.Account, r.Region, r.Bus, r.Name, r.Plan})
	if err != nil {
		return fmt.Errorf("cannot write a schedule: %w", err)
	}
	return s.Work.Submit(tx, work.Task{Kind: ScheduleKind, ID: r.Plan + "/" + at.Format(time.RFC3339Nano), RunAt: at, Payload: payload,
		Caller: bus.Caller{Account: r.Account, Region: r.Region, Source: "events"}})
}

// fire is the task of one time of a schedule. What a server that was down has
// missed comes once.
func (s *Service) fire(ctx context.Context, task *work.Task) error {
	var k tick
	if err := json.Unmarshal(task.Payload, &k); err != nil {
		return fmt.Errorf("cannot read schedule %s: %w", task.ID, err)
	}
	now := s.Clock.Now()
	return s.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		r, ok, err := rules.Get(tx, k.Account, k.Region, k.Bus, k.Name)
		if err != nil || !ok || r.Plan != k.Plan {
			return err
		}
		c := bus.Caller{Account: k.Account, Region: k.Region}
		e := s.event(bus.With(ctx, c), "aws.events", "Scheduled Event", task.RunAt, []string{r.ARN}, json.RawMessage("{}"))
		text, err := e.text()
		if err != nil {
			return err
		}
		tasks, err := r.deliveries(c, []item{{ID: e.ID, Event: text}}, now)
		if err != nil {
			return err
		}
		if err := s.submit(tx, tasks); err != nil {
			return err
		}
		return s.planNext(tx, &r, now)
	})
}

func (s *Service) describeRule(ctx context.Context, in *api.DescribeRuleInput) (*api.DescribeRuleOutput, error) {
	r, err := s.rule(ctx, *in.Name, in.EventBusName)
	if err != nil {
		return nil, err
	}
	return &api.DescribeRuleOutput{Name: &r.Name, Arn: &r.ARN, EventPattern: optional(r.Pattern), ScheduleExpression: optional(r.Schedule),
		State: &r.State, Description: optional(r.Description), RoleArn: optional(r.Role), EventBusName: &r.Bus, CreatedBy: &r.Account}, nil
}

func (s *Service) rule(ctx context.Context, name string, busName *string) (r rule, err error) {
	c, on := busAt(ctx, busName)
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		found, ok, err := rules.Get(tx, c.Account, c.Region, on, name)
		if err == nil && !ok {
			err = noRule(name, on)
		}
		r = found
		return err
	})
	return r, err
}

func (s *Service) deleteRule(ctx context.Context, in *api.DeleteRuleInput) (*api.DeleteRuleOutput, error) {
	c, on := busAt(ctx, in.EventBusName)
	return &api.DeleteRuleOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := findBus(tx, c, on); err != nil {
			return err
		}
		r, ok, err := rules.Get(tx, c.Account, c.Region, on, *in.Name)
		if err != nil || !ok { // deleting what is not there succeeds
			return err
		}
		if len(r.Targets) > 0 {
			return validation("Rule can't be deleted since it has targets.")
		}
		_, err = rules.Delete(tx, c.Account, c.Region, on, *in.Name)
		return err
	})
}

func (s *Service) enableRule(ctx context.Context, in *api.EnableRuleInput) (*api.EnableRuleOutput, error) {
	return &api.EnableRuleOutput{}, s.turn(ctx, *in.Name, in.EventBusName, enabled)
}

func (s *Service) disableRule(ctx context.Context, in *api.DisableRuleInput) (*api.DisableRuleOutput, error) {
	return &api.DisableRuleOutput{}, s.turn(ctx, *in.Name, in.EventBusName, disabled)
}

func (s *Service) turn(ctx context.Context, name string, busName *string, state string) error {
	return s.changeRule(ctx, name, busName, func(tx *store.Tx, r *rule) error {
		was := r.enabled()
		if r.State = state; was == r.enabled() {
			return nil
		}
		return s.plan(tx, r)
	})
}

func (s *Service) listRules(ctx context.Context, in *api.ListRulesInput) (*api.ListRulesOutput, error) {
	c, on := busAt(ctx, in.EventBusName)
	out := &api.ListRulesOutput{Rules: []api.Rule{}}
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		if _, err := findBus(tx, c, on); err != nil {
			return err
		}
		list, next, err := page(tx, rules, in.NextToken, in.Limit, c, func(r *rule) bool {
			return r.Bus == on && strings.HasPrefix(r.Name, value(in.NamePrefix))
		})
		for _, r := range list {
			out.Rules = append(out.Rules, api.Rule{Name: &r.Name, Arn: &r.ARN, EventPattern: optional(r.Pattern), State: &r.State,
				Description: optional(r.Description), ScheduleExpression: optional(r.Schedule), RoleArn: optional(r.Role), EventBusName: &r.Bus})
		}
		out.NextToken = next
		return err
	})
	return out, err
}

func (s *Service) listRuleNamesByTarget(ctx context.Context, in *api.ListRuleNamesByTargetInput) (*api.ListRuleNamesByTargetOutput, error) {
	c, on := busAt(ctx, in.EventBusName)
	out := &api.ListRuleNamesByTargetOutput{RuleNames: []string{}}
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		list, next, err := page(tx, rules, in.NextToken, in.Limit, c, func(r *rule) bool {
			return r.Bus == on && slices.ContainsFunc(r.Targets, func(t api.Target) bool { return *t.Arn == *in.TargetArn })
		})
		for _, r := range list {
			out.RuleNames = append(out.RuleNames, r.Name)
		}
		out.NextToken = next
		return err
	})
	return out, err
}

// maxTargets is how many targets a rule can have.
const maxTargets = 5

func (s *Service) putTargets(ctx context.Context, in *api.PutTargetsInput) (*api.PutTargetsOutput, error) {
	for i := range in.Targets {
		if err := s.checkTarget(&in.Targets[i]); err != nil {
			return nil, err
		}
	}
	err := s.changeRule(ctx, *in.Rule, in.EventBusName, func(_ *store.Tx, r *rule) error {
		for _, t := range in.Targets {
			i := slices.IndexFunc(r.Targets, func(old api.Target) bool { return *old.Id == *t.Id })
			if i >= 0 {
				r.Targets[i] = t
			} else {
				r.Targets = append(r.Targets, t)
			}
		}
		if len(r.Targets) > maxTargets {
			return api.LimitExceededException("The requested resource exceeds the maximum number allowed.")
		}
		return nil
	})
	return &api.PutTargetsOutput{FailedEntryCount: new(int64(0)), FailedEntries: []api.PutTargetsResultEntry{}}, err
}

func (s *Service) checkTarget(t *api.Target) error {
	inputs := 0
	for _, given := range []bool{t.Input != nil, t.InputPath != nil, t.InputTransformer != nil} {
		if given {
			inputs++
		}
	}
	if inputs > 1 {
		return validation("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", *t.Id)
	}
	if t.Input != nil {
		var tree json.RawMessage
		var syntax *json.SyntaxError
		if errors.As(json.Unmarshal([]byte(*t.Input), &tree), &syntax) {
			before := (*t.Input)[:max(0, syntax.Offset-1)]
			line, column := strings.Count(before, "\n")+1, len(before)-strings.LastIndexByte(before, '\n')
			return validation("JSON syntax error in input for target %s: [Source: (String)\"%s\"; line: %d, column: %d]", *t.Id, *t.Input, line, column)
		}
	}
	if t.InputPath != nil {
		if _, err := parsePath(*t.InputPath); err != nil {
			return validation("Parameter InputPath is not valid. Reason: Invalid JsonPath for target %s.", *t.Id)
		}
	}
	if t.InputTransformer != nil {
		if err := checkTransformer(t); err != nil {
			return err
		}
	}
	if d := t.DeadLetterConfig; d != nil && d.Arn != nil {
		if a, ok := bus.ParseARN(*d.Arn); !ok || a.Service != "sqs" {
			return validation("Parameter DeadLetterConfig.Arn is not valid for target %s.", *t.Id)
		}
	}
	return s.reachable(t)
}

func (s *Service) removeTargets(ctx context.Context, in *api.RemoveTargetsInput) (*api.RemoveTargetsOutput, error) {
	out := &api.RemoveTargetsOutput{FailedEntryCount: new(int64(0)), FailedEntries: []api.RemoveTargetsResultEntry{}}
	return out, s.changeRule(ctx, *in.Rule, in.EventBusName, func(_ *store.Tx, r *rule) error {
		r.Targets = slices.DeleteFunc(r.Targets, func(t api.Target) bool { return slices.Contains(in.Ids, *t.Id) })
		return nil
	})
}

func (s *Service) listTargetsByRule(ctx context.Context, in *api.ListTargetsByRuleInput) (*api.ListTargetsByRuleOutput, error) {
	r, err := s.rule(ctx, *in.Rule, in.EventBusName)
	if err != nil {
		return nil, err
	}
	list, next, err := paging.CutAt(r.Targets, in.NextToken, paging.Size(in.Limit, defaultLimit))
	return &api.ListTargetsByRuleOutput{Targets: list, NextToken: next}, asToken(err)
}

func (s *Service) testEventPattern(_ context.Context, in *api.TestEventPatternInput) (*api.TestEventPatternOutput, error) {
	p, err := parsePattern(*in.EventPattern)
	if err != nil {
		return nil, err
	}
	event, err := decode([]byte(*in.Event))
	object, ok := event.(map[string]any)
	if err != nil || !ok {
		return nil, validation("Parameter Event is not valid.")
	}
	for _, name := range []string{"id", "account", "source", "time", "region", "resources", "detail-type"} {
		if _, ok := object[name]; !ok {
			return nil, validation("Parameter Event is not valid. Reason: %s is missing from the event.", name)
		}
	}
	return &api.TestEventPatternOutput{Result: new(p.matches(object))}, nil
}
