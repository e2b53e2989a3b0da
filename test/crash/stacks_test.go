package crash

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"stepwell/internal/awsapi/cloudformation"
	"stepwell/internal/awsapi/iam"
	"stepwell/internal/awsapi/lambda"
	"stepwell/internal/awsapi/logs"
	"stepwell/internal/awsapi/sns"
	"stepwell/internal/awsapi/sqs"
	"stepwell/internal/awsapi/ssm"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// step is an operation on the stack "crash", with the template it is given.
type step struct {
	name     string
	template string // empty: the stack is deleted
	ends     string // the status it ends in
}

var steps = []step{
	{"create", stackOf(0, ""), "CREATE_COMPLETE"},
	{"update", stackOf(1, ""), "UPDATE_COMPLETE"},
	{"an update that fails", stackOf(0, "Fails"), "UPDATE_ROLLBACK_COMPLETE"},
	{"delete", "", "DELETE_COMPLETE"},
	{"a creation that fails", stackOf(0, "Fails"), "ROLLBACK_COMPLETE"},
	{"delete what was rolled back", "", "DELETE_COMPLETE"},
}

// stackOf is a template of some 30 resources: an update from version 0 to 1
// changes some in place, replaces some, adds and removes some.
func stackOf(version int, fails string) string {
	var b strings.Builder
	b.WriteString("Resources:\n")
	add := func(name, typ, properties string) { fmt.Fprintf(&b, "  %s: {Type: '%s'%s}\n", name, typ, properties) }
	for i := range 7 {
		add(fmt.Sprintf("Topic%d", i), "AWS::SNS::Topic", fmt.Sprintf(", Properties: {DisplayName: 'v%d'}", version))
		if i%3 != version {
			add(fmt.Sprintf("Queue%d", i), "AWS::SQS::Queue", fmt.Sprintf(", Properties: {VisibilityTimeout: %d}", 30+version))
			add(fmt.Sprintf("Subscription%d", i), "AWS::SNS::Subscription",
				fmt.Sprintf(", Properties: {Protocol: sqs, TopicArn: !Ref Topic%d, Endpoint: !GetAtt Queue%d.Arn}", i, i))
		}
		add(fmt.Sprintf("Parameter%d", i), "AWS::SSM::Parameter",
			fmt.Sprintf(", Properties: {Name: '/crash/%d/%d', Type: String, Value: !Ref Topic%d}", i, version*(i%2), i))
	}
	add("Group", "AWS::Logs::LogGroup", fmt.Sprintf(", Properties: {RetentionInDays: %d}", 7+7*version))
	b.WriteString(`  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]}}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.12
      Handler: index.handler
      Role: !GetAtt Role.Arn
      Code:
        ZipFile: |
          import json, urllib.request
          def handler(event, context):
              p = event["ResourceProperties"]
              status = "FAILED" if p.get("Fail") == "true" and event["RequestType"] != "Delete" else "SUCCESS"
              answer = {"Status": status, "Reason": "told to", "PhysicalResourceId": "custom-" + p["Version"], "Data": {"Version": p["Version"]}}
              for key in ("StackId", "RequestId", "LogicalResourceId"):
                  answer[key] = event[key]
              request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), {"Content-Type": ""}, method="PUT")
              urllib.request.urlopen(request)
`)
	add("Custom", "Custom::Thing", fmt.Sprintf(", Properties: {ServiceToken: !GetAtt Function.Arn, Version: '%d'}", version))
	if fails != "" {
		add(fails, "Custom::Thing", ", DependsOn: Custom, Properties: {ServiceToken: !GetAtt Function.Arn, Version: x, Fail: true}")
	}
	return b.String()
}

// TestStackKill kills the server at random instants of operations on a stack.
// Each operation must end as an undisturbed one does, and leave the same things.
func TestStackKill(t *testing.T) {
	if *program == "" {
		t.Skip("no -stepwell: run make crash")
	}
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	random := seeded(t)
	data := t.TempDir()
	ports := [2]int{20000 + random.IntN(10000), 31000 + random.IntN(10000)}
	p := start(t, data, ports)
	defer func() { p.kill() }()
	want, lasts := map[string]string{}, map[string]time.Duration{}
	for i, s := range steps {
		began := time.Now()
		if err := p.operate(s, fmt.Sprintf("undisturbed-%d", i)); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		want[s.name] = p.settled(s)
		lasts[s.name] = time.Since(began)
		t.Logf("%s: %v undisturbed, %d lines", s.name, lasts[s.name].Round(time.Millisecond), strings.Count(want[s.name], "\n"))
	}
	for round := range rounds {
		for i, s := range steps {
			token := fmt.Sprintf("token-%d-%d", round, i)
			for range 1 + round%2 {
				answered, asked := make(chan error, 1), *p
				go func() { answered <- asked.operate(s, token) }()
				instant := time.Duration(random.Int64N(int64(lasts[s.name])))
				time.Sleep(instant)
				p.kill()
				err := <-answered
				p = start(t, data, ports)
				t.Logf("round %d: %s, killed after %v, answered: %v", round, s.name, instant.Round(time.Millisecond), err == nil)
			}
			if err := p.operate(s, token); err != nil { // as clients do that got no answer
				t.Fatalf("%s, again: %v", s.name, err)
			}
			if got := p.settled(s); got != want[s.name] {
				t.Fatalf("%s came to\n%s\nundisturbed it comes to\n%s\nevents:\n%s", s.name, got, want[s.name], p.events())
			}
		}
	}
}

// operate asks for the operation; a token that is given twice asks once.
func (p *process) operate(s step, token string) error {
	name, capabilities := new("crash"), []string{"CAPABILITY_IAM"}
	var in any
	operation := "CreateStack"
	switch {
	case s.template == "":
		operation, in = "DeleteStack", &cloudformation.DeleteStackInput{StackName: name, ClientRequestToken: &token}
	case strings.Contains(s.name, "update"):
		operation, in = "UpdateStack", &cloudformation.UpdateStackInput{StackName: name, TemplateBody: &s.template, Capabilities: capabilities, ClientRequestToken: &token}
	default:
		in = &cloudformation.CreateStackInput{StackName: name, TemplateBody: &s.template, Capabilities: capabilities, ClientRequestToken: &token}
	}
	_, err := p.aws.Invoke(p.t.Context(), "cloudformation", operation, in)
	return err
}

var made = regexp.MustCompile(`-[A-Z2-7]{13}\b|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// settled waits for the end of the operation and gives what is there: the
// stack's resources, and the things of the services.
func (p *process) settled(s step) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 2*time.Minute)
	defer cancel()
	for {
		out, err := bus.Invoke[cloudformation.DescribeStacksOutput](ctx, p.aws, "cloudformation", "DescribeStacks", &cloudformation.DescribeStacksInput{StackName: new("crash")})
		if e := awserr.From(err); e != nil && e.Code == "ValidationError" && s.ends == "DELETE_COMPLETE" {
			break
		}
		if err != nil {
			p.t.Fatalf("%s: %v\n%s", s.name, err, p.events())
		}
		status := *out.Stacks[0].StackStatus
		if status == s.ends {
			break
		}
		if !strings.HasSuffix(status, "_IN_PROGRESS") {
			p.t.Fatalf("%s ended in %s, not %s\n%s", s.name, status, s.ends, p.events())
		}
		time.Sleep(10 * time.Millisecond)
	}
	var lines []string
	if s.ends != "DELETE_COMPLETE" {
		out, err := bus.Invoke[cloudformation.DescribeStackResourcesOutput](ctx, p.aws, "cloudformation", "DescribeStackResources", &cloudformation.DescribeStackResourcesInput{StackName: new("crash")})
		if err != nil {
			p.t.Fatal(err)
		}
		for _, r := range out.StackResources {
			if s.ends == "ROLLBACK_COMPLETE" && *r.ResourceStatus == "DELETE_COMPLETE" {
				continue // how far it had come is a matter of time
			}
			lines = append(lines, fmt.Sprintf("%s %s %s", *r.LogicalResourceId, *r.ResourceStatus, deref(r.PhysicalResourceId)))
		}
	}
	lines = append(lines, p.things(ctx)...)
	slices.Sort(lines)
	return made.ReplaceAllString(strings.Join(lines, "\n"), "-ID")
}

// things are what the services have of the stack.
func (p *process) things(ctx context.Context) (lines []string) {
	p.t.Helper()
	check := func(err error) {
		if err != nil {
			p.t.Fatal(err)
		}
	}
	topics, err := bus.Invoke[sns.ListTopicsOutput](ctx, p.aws, "sns", "ListTopics", &sns.ListTopicsInput{})
	check(err)
	for _, x := range topics.Topics {
		a, err := bus.Invoke[sns.GetTopicAttributesOutput](ctx, p.aws, "sns", "GetTopicAttributes", &sns.GetTopicAttributesInput{TopicArn: x.TopicArn})
		check(err)
		lines = append(lines, "topic "+*x.TopicArn+" "+a.Attributes["DisplayName"])
	}
	subscriptions, err := bus.Invoke[sns.ListSubscriptionsOutput](ctx, p.aws, "sns", "ListSubscriptions", &sns.ListSubscriptionsInput{})
	check(err)
	for _, x := range subscriptions.Subscriptions {
		lines = append(lines, "subscription "+*x.TopicArn+" "+*x.Endpoint)
	}
	queues, err := bus.Invoke[sqs.ListQueuesOutput](ctx, p.aws, "sqs", "ListQueues", &sqs.ListQueuesInput{})
	check(err)
	for _, x := range queues.QueueUrls {
		a, err := bus.Invoke[sqs.GetQueueAttributesOutput](ctx, p.aws, "sqs", "GetQueueAttributes", &sqs.GetQueueAttributesInput{QueueUrl: &x, AttributeNames: []string{"VisibilityTimeout"}})
		check(err)
		lines = append(lines, "queue "+x+" "+a.Attributes["VisibilityTimeout"])
	}
	parameters, err := bus.Invoke[ssm.GetParametersByPathOutput](ctx, p.aws, "ssm", "GetParametersByPath", &ssm.GetParametersByPathInput{Path: new("/crash"), Recursive: new(true), MaxResults: new(int64(10))})
	check(err)
	for _, x := range parameters.Parameters {
		lines = append(lines, "parameter "+*x.Name+" "+*x.Value)
	}
	roles, err := bus.Invoke[iam.ListRolesOutput](ctx, p.aws, "iam", "ListRoles", &iam.ListRolesInput{})
	check(err)
	for _, x := range roles.Roles {
		if strings.HasPrefix(*x.RoleName, "crash") {
			lines = append(lines, "role "+*x.RoleName)
		}
	}
	functions, err := bus.Invoke[lambda.ListFunctionsOutput](ctx, p.aws, "lambda", "ListFunctions", &lambda.ListFunctionsInput{})
	check(err)
	for _, x := range functions.Functions {
		lines = append(lines, "function "+*x.FunctionName)
	}
	groups, err := bus.Invoke[logs.DescribeLogGroupsOutput](ctx, p.aws, "logs", "DescribeLogGroups", &logs.DescribeLogGroupsInput{LogGroupNamePrefix: new("crash")})
	check(err)
	for _, x := range groups.LogGroups {
		lines = append(lines, fmt.Sprintf("group %s %d", *x.LogGroupName, *x.RetentionInDays))
	}
	return lines
}

// events are those of the stack, for the reader of a failure.
func (p *process) events() string {
	out, err := bus.Invoke[cloudformation.DescribeStackEventsOutput](p.t.Context(), p.aws, "cloudformation", "DescribeStackEvents", &cloudformation.DescribeStackEventsInput{StackName: new("crash")})
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, e := range out.StackEvents {
		fmt.Fprintf(&b, "%s %s %s\n", deref(e.LogicalResourceId), deref(e.ResourceStatus), deref(e.ResourceStatusReason))
	}
	return b.String()
}
