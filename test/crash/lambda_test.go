package crash

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"stepwell/internal/awsapi/lambda"
	"stepwell/internal/awsapi/sqs"
)

// handler writes what it is given to a file, a line at a time.
const handler = `import os
def handler(event, context):
    with open(os.environ["SEEN"], "a") as seen:
        for record in event.get("Records", [{"body": event.get("what")}]):
            seen.write(record["body"] + "\n")
`

// TestKillLambda invokes a function asynchronously and sends messages to a queue
// that feeds it, on a server that is killed again and again. In the end the
// function must have been given every event whose invocation was accepted, and
// every message that the queue had taken.
func TestKillLambda(t *testing.T) {
	if *program == "" {
		t.Skip("no -stepwell: run make crash")
	}
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	f := newFleet(t)
	f.up()
	seen := filepath.Join(t.TempDir(), "seen")
	url := f.prepareFunction(seen)
	random := seeded(t)
	const each = 8 // of both kinds in a round
	var asking sync.WaitGroup
	for round := range rounds {
		for i := range each {
			n := round*each + i
			asking.Go(func() {
				must[lambda.InvokeOutput](f, "lambda", "Invoke", &lambda.InvokeInput{FunctionName: new("f"), InvocationType: new("Event"),
					Payload: fmt.Appendf(nil, `{"what": "event %d"}`, n)})
			})
			asking.Go(func() {
				must[sqs.SendMessageOutput](f, "sqs", "SendMessage", &sqs.SendMessageInput{QueueUrl: &url, MessageBody: new(fmt.Sprint("message ", n))})
			})
		}
		time.Sleep(time.Duration(random.Int64N(int64(1500 * time.Millisecond))))
		f.kill()
		f.up()
	}
	asking.Wait()
	wanted := map[string]bool{}
	for n := range rounds * each {
		wanted[fmt.Sprint("event ", n)], wanted[fmt.Sprint("message ", n)] = true, true
	}
	given := 0
	for stop := time.Now().Add(2 * time.Minute); len(wanted) > 0; time.Sleep(100 * time.Millisecond) {
		text, err := os.ReadFile(seen)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		given = len(lines)
		for _, line := range lines {
			delete(wanted, line)
		}
		if time.Now().After(stop) {
			t.Errorf("%d were not given to the function, after %d that were:", len(wanted), given)
			for what := range wanted {
				t.Error(what)
			}
			break
		}
	}
	t.Logf("the function was given %d events and messages %d times", 2*rounds*each, given)
	f.stop()
	f.checkLog()
}

func (f *fleet) prepareFunction(seen string) (url string) {
	var code bytes.Buffer
	archive := zip.NewWriter(&code)
	file, err := archive.Create("index.py")
	if err == nil {
		_, err = file.Write([]byte(handler))
	}
	if err == nil {
		err = archive.Close()
	}
	if err != nil {
		f.t.Fatal(err)
	}
	must[lambda.CreateFunctionOutput](f, "lambda", "CreateFunction", &lambda.CreateFunctionInput{FunctionName: new("f"), Runtime: new("python3.12"),
		Handler: new("index.handler"), Role: new("arn:aws:iam::123456789012:role/r"), Code: &lambda.FunctionCode{ZipFile: code.Bytes()}, Timeout: new(int64(2)),
		Environment: &lambda.Environment{Variables: map[string]string{"SEEN": seen}}})
	for {
		out := must[lambda.GetFunctionConfigurationOutput](f, "lambda", "GetFunctionConfiguration", &lambda.GetFunctionConfigurationInput{FunctionName: new("f")})
		if *out.State == "Active" {
			break
		}
		if *out.State == "Failed" {
			f.t.Fatalf("the function cannot be prepared: %s", *out.StateReason)
		}
		time.Sleep(100 * time.Millisecond)
	}
	url = *must[sqs.CreateQueueOutput](f, "sqs", "CreateQueue", &sqs.CreateQueueInput{QueueName: new("fed"), Attributes: map[string]string{"VisibilityTimeout": "2"}}).QueueUrl
	must[lambda.CreateEventSourceMappingOutput](f, "lambda", "CreateEventSourceMapping", &lambda.CreateEventSourceMappingInput{
		FunctionName: new("f"), EventSourceArn: new("arn:aws:sqs:us-east-1:123456789012:fed")})
	return url
}
