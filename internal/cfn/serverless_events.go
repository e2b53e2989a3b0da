package cfn

import "slices"

func (x *expansion) hasEvent(p *Node, typ string) bool {
	events := p.Get("Events")
	return events != nil && slices.ContainsFunc(events.Items, func(e *Node) bool {
		t := e.Get("Type")
		return t != nil && t.Text == typ
	})
}

// events adds what starts a function or, where service is states, a state
// machine; target is its ARN.
func (x *expansion) events(k, r, p *Node, service string, target *Node) {
	events := p.Get("Events")
	if events == nil {
		return
	}
	for i, name := range events.Keys {
		e := events.Items[i]
		typ, ep := e.Get("Type"), e.Get("Properties")
		if typ == nil {
			x.t.fail(name, "Transform %s failed with: Event with id [%s] is invalid. Missing required property 'Type'.", serverless, name.Text)
			continue
		}
		if ep == nil {
			ep = x.object(name)
		}
		id := x.text(name, k.Text+name.Text)
		switch {
		case typ.Text == "Schedule":
			x.rule(r, id, ep, service, target, x.object(name, "ScheduleExpression", ep.Get("Schedule")))
		case typ.Text == "EventBridgeRule" || typ.Text == "CloudWatchEvent":
			pattern := ep.Get("Pattern")
			if pattern == nil {
				pattern = ep.Get("EventPattern")
			}
			x.rule(r, id, ep, service, target, x.object(name, "EventPattern", pattern, "EventBusName", ep.Get("EventBusName")))
		case typ.Text == "SQS" && service == "lambda":
			mapping := x.object(name, "EventSourceArn", ep.Get("Queue"), "FunctionName", target)
			copied(ep, mapping, "BatchSize", "Enabled", "MaximumBatchingWindowInSeconds", "FilterCriteria", "FunctionResponseTypes", "ScalingConfig")
			x.add(r, id, "AWS::Lambda::EventSourceMapping", mapping)
		case typ.Text == "SNS" && service == "lambda" && ep.Get("SqsSubscription") == nil:
			subscription := x.object(name, "Protocol", "lambda", "Endpoint", target, "TopicArn", ep.Get("Topic"))
			copied(ep, subscription, "FilterPolicy", "FilterPolicyScope", "Region", "RedrivePolicy")
			x.add(r, id, "AWS::SNS::Subscription", subscription)
			x.permission(r, id, target, "sns.amazonaws.com", "SourceArn", ep.Get("Topic"))
		case typ.Text == "S3" && service == "lambda":
			x.bucketEvent(r, id, ep, target)
		default:
			x.t.fail(typ, "not implemented: an event of type %s for a serverless resource", typ.Text)
		}
	}
}

// rule adds an EventBridge rule and what lets it start its target.
func (x *expansion) rule(r, id, ep *Node, service string, target, what *Node) {
	state := ep.Get("State")
	if enabled := ep.Get("Enabled"); enabled != nil && state == nil {
		state = x.text(enabled, map[bool]string{true: "ENABLED", false: "DISABLED"}[enabled.Text == "true"])
	}
	kind := "LambdaTarget"
	if service == "states" {
		kind = "StepFunctionsTarget"
	}
	to := x.object(id, "Arn", target, "Id", id.Text+kind, "Input", ep.Get("Input"), "InputPath", ep.Get("InputPath"),
		"InputTransformer", ep.Get("InputTransformer"), "RetryPolicy", ep.Get("RetryPolicy"))
	if d := ep.Get("DeadLetterConfig"); d != nil {
		to.set(x.text(d, "DeadLetterConfig"), x.object(d, "Arn", d.Get("Arn")))
	}
	if service == "states" {
		role := x.text(id, id.Text+"Role")
		statement := x.object(id, "Action", x.list(id, x.text(id, "states:StartExecution")), "Effect", "Allow", "Resource", x.list(id, target))
		policy := x.object(id, "PolicyName", id.Text+"RoleStartExecutionPolicy", "PolicyDocument",
			x.object(id, "Version", "2012-10-17", "Statement", x.list(id, statement)))
		x.add(r, role, "AWS::IAM::Role", x.object(id, "AssumeRolePolicyDocument", x.trust(id, "events.amazonaws.com"), "Policies", x.list(id, policy)))
		to.set(x.text(id, "RoleArn"), x.attr(id, role.Text, "Arn"))
	} else {
		x.permission(r, id, target, "events.amazonaws.com", "SourceArn", x.attr(id, id.Text, "Arn"))
	}
	what.set(x.text(id, "Targets"), x.list(id, to))
	for _, extra := range []struct {
		name string
		v    *Node
	}{{"State", state}, {"Name", ep.Get("Name")}, {"Description", ep.Get("Description")}} {
		if extra.v != nil {
			what.set(x.text(id, extra.name), extra.v)
		}
	}
	x.add(r, id, "AWS::Events::Rule", what)
}

func (x *expansion) permission(r, id, target *Node, principal string, more ...any) *Node {
	name := x.text(id, id.Text+"Permission")
	x.add(r, name, "AWS::Lambda::Permission", x.object(id, append([]any{"Action", "lambda:InvokeFunction", "FunctionName", target,
		"Principal", principal}, more...)...))
	return name
}

// bucketEvent adds a notification to a bucket of the same template.
func (x *expansion) bucketEvent(r, id, ep, target *Node) {
	name, arg, ok := ep.Get("Bucket").function()
	bucket := (*Node)(nil)
	if ok && name == "Ref" {
		bucket = x.resources.Get(arg.Text)
	}
	if bucket == nil {
		x.t.fail(id, "Transform %s failed with: Event with id [%s] is invalid. S3 events must reference an S3 bucket in the same template.", serverless, id.Text)
		return
	}
	permission := x.permission(r, id, target, "s3.amazonaws.com", "SourceAccount", x.ref(id, "AWS::AccountId"))
	properties := bucket.Get("Properties")
	if properties == nil {
		properties = x.object(id)
		bucket.set(x.text(id, "Properties"), properties)
	}
	notify := properties.Get("NotificationConfiguration")
	if notify == nil {
		notify = x.object(id)
		properties.set(x.text(id, "NotificationConfiguration"), notify)
	}
	functions := notify.Get("LambdaConfigurations")
	if functions == nil {
		functions = x.list(id)
		notify.set(x.text(id, "LambdaConfigurations"), functions)
	}
	kinds := ep.Get("Events")
	for _, kind := range x.policies(kinds) {
		functions.Items = append(functions.Items, x.object(id, "Event", kind, "Function", target, "Filter", ep.Get("Filter")))
	}
	depends := x.list(id, permission)
	if d := bucket.Get("DependsOn"); d != nil {
		depends.Items = append(x.policies(d), depends.Items...)
	}
	bucket.set(x.text(id, "DependsOn"), depends)
}
