package bench

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// query calls an operation of a service that speaks the query protocol.
func (c *client) query(service string, form url.Values) ([]byte, error) {
	req, err := http.NewRequest(http.MethodPost, c.endpoint+"/", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header = http.Header{
		"Content-Type":  {"application/x-www-form-urlencoded; charset=utf-8"},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=123456789012/20260102/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=" + strings.Repeat("0", 64)},
	}
	return c.do(req)
}

// json calls an operation of a service that speaks JSON.
func (c *client) json(service, target, version, body string) error {
	req, err := http.NewRequest(http.MethodPost, c.endpoint+"/", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header = http.Header{
		"Content-Type":  {"application/x-amz-json-" + version},
		"X-Amz-Target":  {target},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=123456789012/20260102/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=" + strings.Repeat("0", 64)},
	}
	_, err = c.do(req)
	return err
}

// each is how many resources of each of the five types the template has.
const each = 40

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

func stackTemplate() string {
	var b strings.Builder
	b.WriteString(`{"Resources": {`)
	for i := range each {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, `"Topic%d": {"Type": "AWS::SNS::Topic"}, "Queue%d": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 60}},
 "Parameter%d": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/bench/%d", "Type": "String", "Value": {"Ref": "Topic%d"}}},
 "Role%d": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": %s}}, "Group%d": {"Type": "AWS::Logs::LogGroup"}`, i, i, i, i, i, i, trust, i)
	}
	b.WriteString("}}")
	return b.String()
}

// direct makes what the template has by calls of the operations, one after the other.
func direct(c *client) error {
	for i := range each {
		if _, err := c.query("sns", url.Values{"Action": {"CreateTopic"}, "Version": {"2010-03-31"}, "Name": {fmt.Sprintf("direct-%d", i)}}); err != nil {
			return err
		}
		if err := c.json("sqs", "AmazonSQS.CreateQueue", "1.0", fmt.Sprintf(`{"QueueName": "direct-%d", "Attributes": {"VisibilityTimeout": "60"}}`, i)); err != nil {
			return err
		}
		if err := c.json("ssm", "AmazonSSM.PutParameter", "1.1", fmt.Sprintf(`{"Name": "/direct/%d", "Type": "String", "Value": "v"}`, i)); err != nil {
			return err
		}
		role := url.Values{"Action": {"CreateRole"}, "Version": {"2010-05-08"}, "RoleName": {fmt.Sprintf("direct-%d", i)}, "AssumeRolePolicyDocument": {trust}}
		if _, err := c.query("iam", role); err != nil {
			return err
		}
		if err := c.json("logs", "Logs_20140328.CreateLogGroup", "1.1", fmt.Sprintf(`{"logGroupName": "direct-%d"}`, i)); err != nil {
			return err
		}
	}
	return nil
}

var stackStatus = regexp.MustCompile(`<StackStatus>([A-Z_]+)</StackStatus>`)

// BenchmarkStack deploys a template of 200 resources over HTTP, and makes the
// same things by calls one after the other. Aim: under 5 s.
func BenchmarkStack(b *testing.B) {
	data := b.TempDir()
	c := newClient(startServer(b, data))
	version := url.Values{"Version": {"2010-05-15"}, "StackName": {"bench"}}
	with := func(action string, more ...string) url.Values {
		form := url.Values{"Action": {action}}
		for k, v := range version {
			form[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return form
	}
	wait := func(want string) {
		for {
			answer, err := c.query("cloudformation", with("DescribeStacks"))
			if err != nil {
				if want == "" {
					return
				}
				b.Fatal(err)
			}
			status := string(stackStatus.FindSubmatch(answer)[1])
			if status == want {
				return
			}
			if !strings.HasSuffix(status, "_IN_PROGRESS") {
				b.Fatal(status)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	template := stackTemplate()
	for range b.N {
		began := time.Now()
		if _, err := c.query("cloudformation", with("CreateStack", "TemplateBody", template, "Capabilities.member.1", "CAPABILITY_IAM")); err != nil {
			b.Fatal(err)
		}
		wait("CREATE_COMPLETE")
		deployed := time.Since(began)
		began = time.Now()
		if _, err := c.query("cloudformation", with("DeleteStack")); err != nil {
			b.Fatal(err)
		}
		wait("")
		deleted := time.Since(began)
		began = time.Now()
		if err := direct(c); err != nil {
			b.Fatal(err)
		}
		calls := time.Since(began)
		b.ReportMetric(deployed.Seconds(), "s-deploy")
		b.ReportMetric(deleted.Seconds(), "s-delete")
		b.ReportMetric(calls.Seconds(), "s-direct")
		b.ReportMetric(deployed.Seconds()/calls.Seconds(), "of-direct")
		syncs := fsyncs(b, data)
		b.ReportMetric(syncs, "fsyncs/s")
		b.ReportMetric(deployed.Seconds()*syncs/(5*each), "fsyncs/resource")
	}
}
