package project

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stepwell/internal/awsapi/cloudformation"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// deployTemplate creates the stack of the file's template, or brings it up to
// date, and shows the events of its resources as they come.
func (r *Runner) deployTemplate(ctx context.Context) error {
	t := r.file.Template
	if t == nil {
		return nil
	}
	name := cmp.Or(t.Stack, r.file.Name)
	text, err := os.ReadFile(filepath.Join(r.Dir, t.File))
	if err != nil {
		return fmt.Errorf("cannot read the template: %w", err)
	}
	body := string(text)
	if t.Bucket != "" {
		if body, err = r.pack(ctx, t, body); err != nil {
			return fmt.Errorf("cannot package %s: %w", t.File, err)
		}
	}
	s := &stack{runner: r, name: name, seen: map[string]bool{}}
	if err := s.settle(ctx, t, body); err != nil {
		return err
	}
	return s.learn(ctx)
}

// stack is a stack under way.
type stack struct {
	runner *Runner
	name   string
	id     string
	seen   map[string]bool // events
}

// review is the status of a stack that a change set would create.
const review = "REVIEW_IN_PROGRESS"

// settle makes the stack what the template says, and waits for it.
func (s *stack) settle(ctx context.Context, t *Template, body string) error {
	have, err := s.describe(ctx, s.name)
	if err != nil {
		return err
	}
	if have != nil {
		if err := s.skipEvents(ctx); err != nil {
			return err
		}
		if strings.HasSuffix(*have.StackStatus, "_IN_PROGRESS") && *have.StackStatus != review { // of a run that was cut off
			if have, err = s.wait(ctx); err != nil {
				return err
			}
		}
	}
	if have != nil && slices.Contains([]string{review, "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}, *have.StackStatus) {
		if _, err := s.runner.AWS.Invoke(ctx, "cloudformation", "DeleteStack", &cloudformation.DeleteStackInput{StackName: &s.name}); err != nil {
			return fmt.Errorf("cannot delete stack %s, which was never whole: %w", s.name, err)
		}
		if _, err := s.wait(ctx); err != nil {
			return err
		}
		have = nil
	}
	var parameters []cloudformation.Parameter
	for _, key := range slices.Sorted(maps.Keys(t.Parameters)) {
		parameters = append(parameters, cloudformation.Parameter{ParameterKey: &key, ParameterValue: new(s.runner.vars.expand(t.Parameters[key]))})
	}
	if have == nil {
		_, err = s.runner.AWS.Invoke(ctx, "cloudformation", "CreateStack", &cloudformation.CreateStackInput{
			StackName: &s.name, TemplateBody: &body, Parameters: parameters, Capabilities: t.Capabilities,
		})
	} else {
		_, err = s.runner.AWS.Invoke(ctx, "cloudformation", "UpdateStack", &cloudformation.UpdateStackInput{
			StackName: &s.name, TemplateBody: &body, Parameters: parameters, Capabilities: t.Capabilities,
		})
		if e := awserr.From(err); e != nil && e.Message == "No updates are to be performed." {
			s.runner.say("stack", "%s is up to date", s.name)
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("cannot deploy stack %s: %w", s.name, err)
	}
	done, err := s.wait(ctx)
	if err != nil {
		return err
	}
	if done == nil || *done.StackStatus != "CREATE_COMPLETE" && *done.StackStatus != "UPDATE_COMPLETE" {
		return fmt.Errorf("cannot deploy stack %s: it is %s", s.name, statusOf(done))
	}
	s.runner.say("stack", "%s is %s", s.name, *done.StackStatus)
	return nil
}

func statusOf(s *cloudformation.Stack) string {
	if s == nil {
		return "gone"
	}
	return strings.TrimSpace(*s.StackStatus + " " + text(s.StackStatusReason))
}

// describe is the stack of a name or id, nil where there is none.
func (s *stack) describe(ctx context.Context, name string) (*cloudformation.Stack, error) {
	out, err := bus.Invoke[cloudformation.DescribeStacksOutput](ctx, s.runner.AWS, "cloudformation", "DescribeStacks", &cloudformation.DescribeStacksInput{StackName: &name})
	if e := awserr.From(err); e != nil && e.Code == "ValidationError" && strings.Contains(e.Message, "does not exist") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot look for stack %s: %w", s.name, err)
	}
	return &out.Stacks[0], nil
}

// wait shows the stack's events until it is settled; a deleted one is nil.
func (s *stack) wait(ctx context.Context) (*cloudformation.Stack, error) {
	if have, err := s.describe(ctx, s.name); err == nil && have != nil {
		s.id = *have.StackId // by which a deleted stack is still found
	}
	for {
		have, err := s.describe(ctx, cmp.Or(s.id, s.name))
		if err != nil || have == nil {
			return nil, err
		}
		if err := s.events(ctx); err != nil {
			return nil, err
		}
		switch status := *have.StackStatus; {
		case status == "DELETE_COMPLETE":
			return nil, nil
		case !strings.HasSuffix(status, "_IN_PROGRESS"):
			return have, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}

// skipEvents leaves out what happened to the stack before.
func (s *stack) skipEvents(ctx context.Context) error {
	all, err := s.newEvents(ctx)
	for _, e := range all {
		s.seen[*e.EventId] = true
	}
	return err
}

// events shows the resources that have come to an end since the last look.
func (s *stack) events(ctx context.Context) error {
	all, err := s.newEvents(ctx)
	for _, e := range slices.Backward(all) {
		s.seen[*e.EventId] = true
		if e.ResourceStatus == nil || strings.HasSuffix(*e.ResourceStatus, "_IN_PROGRESS") || *e.ResourceType == "AWS::CloudFormation::Stack" {
			continue
		}
		reason := ""
		if strings.HasSuffix(*e.ResourceStatus, "_FAILED") {
			reason = ": " + firstLine(text(e.ResourceStatusReason), 300)
		}
		s.runner.say("resource", "%-28s %-36s %s%s", *e.LogicalResourceId, *e.ResourceType, *e.ResourceStatus, reason)
	}
	return err
}

// newEvents are the stack's events that were not seen yet, the last one first.
func (s *stack) newEvents(ctx context.Context) ([]cloudformation.StackEvent, error) {
	var all []cloudformation.StackEvent
	in := &cloudformation.DescribeStackEventsInput{StackName: new(cmp.Or(s.id, s.name))}
	for {
		out, err := bus.Invoke[cloudformation.DescribeStackEventsOutput](ctx, s.runner.AWS, "cloudformation", "DescribeStackEvents", in)
		if err != nil {
			return nil, fmt.Errorf("cannot read the events of stack %s: %w", s.name, err)
		}
		for _, e := range out.StackEvents {
			if s.seen[*e.EventId] {
				return all, nil
			}
			all = append(all, e)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return all, nil
		}
	}
}

// learn sets the variables that the stack gives: its outputs, and its state
// machines and topics by logical id and by name.
func (s *stack) learn(ctx context.Context) error {
	have, err := s.describe(ctx, s.name)
	if err != nil {
		return err
	}
	vars := s.runner.vars
	for _, o := range have.Outputs {
		vars["stack."+*o.OutputKey] = *o.OutputValue
	}
	kinds := map[string]string{"AWS::StepFunctions::StateMachine": "state-machine.", "AWS::SNS::Topic": "topic."}
	in := &cloudformation.ListStackResourcesInput{StackName: &s.name}
	for {
		out, err := bus.Invoke[cloudformation.ListStackResourcesOutput](ctx, s.runner.AWS, "cloudformation", "ListStackResources", in)
		if err != nil {
			return fmt.Errorf("cannot list the resources of stack %s: %w", s.name, err)
		}
		for _, x := range out.StackResourceSummaries {
			if kind, id := kinds[*x.ResourceType], text(x.PhysicalResourceId); kind != "" && id != "" {
				vars[kind+*x.LogicalResourceId] = id
				vars[kind+id[strings.LastIndex(id, ":")+1:]] = id
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return nil
		}
	}
}

// ofStack says whether a bucket is one of the template's: its name is an output.
func (b Bucket) ofStack() bool { return strings.Contains(b.Name, "${stack.") }
