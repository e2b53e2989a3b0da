package project

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"stepwell/internal/awsapi/cloudformation"
	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awserr"
	"stepwell/internal/diag"
)

// cloud stands in for CloudFormation and S3: each stack operation makes the
// stack what next says, after one look at it under way.
type cloud struct {
	next    map[string]string // operation -> status it ends in, or an error
	status  string            // "" is no stack
	then    string
	body    string
	objects map[string]string
	calls   []string
}

func (c *cloud) Invoke(_ context.Context, service, operation string, in any) (any, error) {
	switch x := in.(type) {
	case *cloudformation.DescribeStacksInput:
		if c.status == "" {
			return nil, awserr.New(400, "ValidationError", "Stack with id s does not exist")
		}
		s := cloudformation.Stack{StackName: new("s"), StackId: new("arn"), StackStatus: new(c.status), CreationTime: new(time.Time{}),
			Outputs: []cloudformation.Output{{OutputKey: new("Bucket"), OutputValue: new("b-1")}}}
		if c.then != "" {
			c.status, c.then = c.then, ""
		}
		if *s.StackStatus == "DELETE_COMPLETE" {
			c.status = ""
		}
		return &cloudformation.DescribeStacksOutput{Stacks: []cloudformation.Stack{s}}, nil
	case *cloudformation.DescribeStackEventsInput:
		return &cloudformation.DescribeStackEventsOutput{StackEvents: []cloudformation.StackEvent{{
			EventId: new(fmt.Sprint(len(c.calls))), LogicalResourceId: new("Q"), ResourceType: new("AWS::SQS::Queue"),
			ResourceStatus: new("CREATE_FAILED"), ResourceStatusReason: new("no room")}}}, nil
	case *cloudformation.ListStackResourcesInput:
		return &cloudformation.ListStackResourcesOutput{StackResourceSummaries: []cloudformation.StackResourceSummary{
			{LogicalResourceId: new("Load"), PhysicalResourceId: new("arn:aws:states:us-east-1:1:stateMachine:s-Load-1"), ResourceType: new("AWS::StepFunctions::StateMachine")},
			{LogicalResourceId: new("Alarm"), PhysicalResourceId: new("arn:aws:sns:us-east-1:1:s-Alarm"), ResourceType: new("AWS::SNS::Topic")},
			{LogicalResourceId: new("Q"), ResourceType: new("AWS::SQS::Queue")}}}, nil
	case *s3.CreateBucketInput:
		return &s3.CreateBucketOutput{}, nil
	case *s3.HeadObjectInput:
		return nil, awserr.New(404, "NotFound", "")
	case *s3.PutObjectInput:
		b, err := io.ReadAll(x.Body)
		c.objects[*x.Key] = string(b)
		return &s3.PutObjectOutput{}, err
	case *cloudformation.CreateStackInput:
		c.body = *x.TemplateBody
	case *cloudformation.UpdateStackInput:
		c.body = *x.TemplateBody
	}
	c.calls = append(c.calls, operation)
	to := c.next[operation]
	if code, message, isError := strings.Cut(to, ": "); isError {
		return nil, awserr.New(400, code, "%s", message)
	}
	c.status, c.then = strings.TrimSuffix(operation, "Stack")+"_IN_PROGRESS", to
	return map[string]any{"CreateStack": &cloudformation.CreateStackOutput{}, "UpdateStack": &cloudformation.UpdateStackOutput{},
		"DeleteStack": &cloudformation.DeleteStackOutput{}}[operation], nil
}

func TestDeployTemplate(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "t.yaml"), []byte("Resources: {Q: {Type: 'AWS::SQS::Queue'}}"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, status string
		next         map[string]string
		calls, want  string // a part of what is said, or of the error
	}{
		{"new", "", map[string]string{"CreateStack": "CREATE_COMPLETE"}, "CreateStack", "s is CREATE_COMPLETE"},
		{"the events are shown", "", map[string]string{"CreateStack": "CREATE_COMPLETE"}, "CreateStack", "CREATE_FAILED: no room"},
		{"changed", "CREATE_COMPLETE", map[string]string{"UpdateStack": "UPDATE_COMPLETE"}, "UpdateStack", "s is UPDATE_COMPLETE"},
		{"unchanged", "UPDATE_COMPLETE", map[string]string{"UpdateStack": "ValidationError: No updates are to be performed."}, "UpdateStack", "s is up to date"},
		{"refused", "", map[string]string{"CreateStack": "ValidationError: Template error"}, "CreateStack", "cannot deploy stack s: ValidationError: Template error"},
		{"rolled back", "", map[string]string{"CreateStack": "ROLLBACK_COMPLETE"}, "CreateStack", "cannot deploy stack s: it is ROLLBACK_COMPLETE"},
		{"what never was whole is made anew", "ROLLBACK_COMPLETE", map[string]string{"DeleteStack": "DELETE_COMPLETE", "CreateStack": "CREATE_COMPLETE"},
			"DeleteStack CreateStack", "s is CREATE_COMPLETE"},
		{"a change set alone", "REVIEW_IN_PROGRESS", map[string]string{"DeleteStack": "DELETE_COMPLETE", "CreateStack": "CREATE_COMPLETE"},
			"DeleteStack CreateStack", "s is CREATE_COMPLETE"},
		{"a run was cut off", "CREATE_IN_PROGRESS", map[string]string{"UpdateStack": "ValidationError: No updates are to be performed."}, "UpdateStack", "s is up to date"},
		{"failed update", "CREATE_COMPLETE", map[string]string{"UpdateStack": "UPDATE_ROLLBACK_COMPLETE"}, "UpdateStack", "it is UPDATE_ROLLBACK_COMPLETE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			aws := &cloud{next: c.next, status: c.status}
			if c.status == "CREATE_IN_PROGRESS" {
				aws.then = "CREATE_COMPLETE"
			}
			r := &Runner{Dir: dir, AWS: aws, Out: &out, vars: Variables{}, file: &File{Name: "p", Template: &Template{File: "t.yaml", Stack: "s"}}}
			if err := r.deployTemplate(t.Context()); err != nil {
				out.WriteString(err.Error())
			} else if r.vars["stack.Bucket"] != "b-1" || r.vars["state-machine.Load"] != r.vars["state-machine.s-Load-1"] || r.vars["topic.Alarm"] == "" {
				t.Errorf("variables %v", r.vars)
			}
			if got := strings.Join(aws.calls, " "); got != c.calls || !strings.Contains(out.String(), c.want) {
				t.Errorf("%s; %s\nwant %s; %s", got, out.String(), c.calls, c.want)
			}
		})
	}
}

func TestPack(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"f/index.py": "x = 1", "m.json": `{"StartAt": "A"}`,
		"sub/n.yaml": "Resources: {J: {Type: 'AWS::Glue::Job', Properties: {Command: {ScriptLocation: ../f/index.py}}}}"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	const template = `Resources:
  F:
    Type: AWS::Lambda::Function
    Properties: {Role: !GetAtt R.Arn, Code: f}
  G:
    Type: AWS::Lambda::Function
    Properties: {Code: {ZipFile: x}}
  S:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: ./f/index.py}
  M:
    Type: AWS::StepFunctions::StateMachine
    Properties: {DefinitionS3Location: m.json}
  T:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: s3://b/k}
  U:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: !Ref Where}
  N:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: sub/n.yaml}
`
	aws := &cloud{objects: map[string]string{}}
	r := &Runner{Dir: dir, AWS: aws, Out: io.Discard, vars: Variables{}, Region: "us-east-1"}
	body, err := r.pack(t.Context(), &Template{Bucket: "b"}, template)
	if err != nil {
		t.Fatal(err)
	}
	hash := regexp.MustCompile(`\b[0-9a-f]{32}\b`)
	want := strings.NewReplacer("Code: f}", "Code: {S3Bucket: b, S3Key: HASH}}", "./f/index.py", "s3://b/HASH", "m.json", "{Bucket: b, Key: HASH}",
		"sub/n.yaml", "https://s3.amazonaws.com/b/HASH").Replace(template)
	squeeze := func(s string) string { return strings.NewReplacer(" ", "", "\n", "", "'", "", `"`, "").Replace(s) }
	flat := regexp.MustCompile(`(S3Bucket|Bucket): b\n\s+(S3Key|Key): (\S+)`)
	got := flat.ReplaceAllString(hash.ReplaceAllString(body, "HASH"), "{$1: b, $2: $3}")
	if squeeze(got) != squeeze(want) {
		t.Errorf("packaged:\n%s\nwant:\n%s", got, want)
	}
	definitions, archives, nested := 0, 0, ""
	for _, text := range aws.objects {
		switch {
		case text == `{"StartAt": "A"}`:
			definitions++
		case strings.HasPrefix(text, "PK"):
			archives++
		case strings.HasPrefix(text, "Resources"):
			nested = hash.ReplaceAllString(text, "HASH")
		}
	}
	if definitions != 1 || archives != 1 { // the folder and its only file are the same archive
		t.Errorf("%d definitions and %d archives are uploaded", definitions, archives)
	}
	if !strings.Contains(nested, "ScriptLocation: 's3://b/HASH'") {
		t.Errorf("the nested template is %s", nested)
	}
	if _, err := r.pack(t.Context(), &Template{Bucket: "b"}, strings.Replace(template, "Code: f", "Code: nowhere", 1)); err == nil || !strings.Contains(err.Error(), "Code of F") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestTemplatesAreChecked(t *testing.T) {
	check := func(text string) diag.List {
		at := strings.Index(text, "wrong")
		if at < 0 {
			return nil
		}
		return diag.List{{Span: diag.Span{Start: at, End: at + 5}, Text: "this is wrong"}}
	}
	for _, c := range []struct{ more, template, want string }{
		{"", "right", ""},
		{"", "is\n  wrong", "t.yaml:2:3: error: this is wrong"},
		{", s3-bucket: b", "wrong", ""},
		{"", "", "cannot read the template"},
	} {
		dir := t.TempDir()
		files := map[string]string{FileName: "name: x\ntemplate: {file: t.yaml" + c.more + "}\n", "t.yaml": c.template}
		for name, text := range files {
			if text == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		var out bytes.Buffer
		r := &Runner{Dir: dir, Out: &out, CheckTemplate: check}
		err := r.Load()
		if got := out.String() + fmt.Sprint(err); (err == nil) != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%q: %s, want %s", c.template, got, c.want)
		}
	}
}
