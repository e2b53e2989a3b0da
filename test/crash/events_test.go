package crash

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"stepwell/internal/awsapi/events"
	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awsapi/scheduler"
	"stepwell/internal/awsapi/sqs"
	"stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
)

const queueARN = "arn:aws:sqs:us-east-1:123456789012:events"

// TestKillEvents puts events, writes objects, starts executions and makes one-time
// schedules on a server that is killed again and again. What was answered must have
// been told to the queue in the end: every event that PutEvents accepted, every object,
// the start and the end of every execution, every schedule.
func TestKillEvents(t *testing.T) {
	if *program == "" {
		t.Skip("no -stepwell: run make crash")
	}
	rounds := 30
	if testing.Short() {
		rounds = 6
	}
	f := newFleet(t)
	f.up()
	url := f.prepareEvents()
	random := seeded(t)
	const each = 8 // of every kind in a round
	var asking sync.WaitGroup
	began := time.Now()
	for round := range rounds {
		for i := range each {
			n := round*each + i
			asking.Go(func() { f.putEvent(n) })
			asking.Go(func() { f.putObject(n) })
			asking.Go(func() { f.startNamed(n) })
			asking.Go(func() { f.schedule(n, time.Duration(rand.Int64N(int64(3*time.Second)))) })
		}
		time.Sleep(time.Duration(random.Int64N(int64(1200 * time.Millisecond))))
		f.kill()
		f.up()
	}
	asking.Wait()
	t.Logf("%d kills in %v", rounds, time.Since(began).Round(time.Second))
	wanted := map[string]bool{}
	for n := range rounds * each {
		for _, kind := range []string{"event", "object", "RUNNING", "SUCCEEDED", "schedule"} {
			wanted[fmt.Sprint(kind, " ", n)] = true
		}
	}
	f.drain(url, wanted)
	f.stop()
	f.checkLog()
}

func (f *fleet) prepareEvents() (url string) {
	url = *must[sqs.CreateQueueOutput](f, "sqs", "CreateQueue", &sqs.CreateQueueInput{QueueName: new("events")}).QueueUrl
	rule := func(name, pattern string, transform *events.InputTransformer) {
		must[events.PutRuleOutput](f, "events", "PutRule", &events.PutRuleInput{Name: &name, EventPattern: &pattern})
		must[events.PutTargetsOutput](f, "events", "PutTargets", &events.PutTargetsInput{Rule: &name, Targets: []events.Target{
			{Id: new("q"), Arn: new(queueARN), InputTransformer: transform}}})
	}
	rule("own", `{"source": ["crash"]}`, &events.InputTransformer{InputPathsMap: map[string]string{"n": "$.detail.n"}, InputTemplate: new(`"event <n>"`)})
	rule("executions", `{"source": ["aws.states"]}`, &events.InputTransformer{
		InputPathsMap: map[string]string{"name": "$.detail.name", "status": "$.detail.status"}, InputTemplate: new(`"<status> <name>"`)})
	must[s3.CreateBucketOutput](f, "s3", "CreateBucket", &s3.CreateBucketInput{Bucket: new("told")})
	must[s3.PutBucketNotificationConfigurationOutput](f, "s3", "PutBucketNotificationConfiguration", &s3.PutBucketNotificationConfigurationInput{
		Bucket: new("told"), NotificationConfiguration: &s3.NotificationConfiguration{QueueConfigurations: []s3.QueueConfiguration{
			{QueueArn: new(queueARN), Events: []string{"s3:ObjectCreated:*"}}}}})
	must[states.CreateStateMachineOutput](f, "states", "CreateStateMachine", &states.CreateStateMachineInput{Name: new("waits"), RoleArn: new("arn:aws:iam::123456789012:role/r"),
		Definition: new(`{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": true}}}`)})
	return url
}

func (f *fleet) putEvent(n int) {
	out := must[events.PutEventsOutput](f, "events", "PutEvents", &events.PutEventsInput{Entries: []events.PutEventsRequestEntry{
		{Source: new("crash"), DetailType: new("t"), Detail: new(fmt.Sprintf(`{"n": %d}`, n))}}})
	if *out.FailedEntryCount != 0 {
		f.t.Errorf("event %d was not accepted", n)
	}
}

func (f *fleet) putObject(n int) {
	for f.ctx.Err() == nil { // the body of a repeated request must be read anew
		_, err := f.aws.Invoke(f.ctx, "s3", "PutObject", &s3.PutObjectInput{Bucket: new("told"), Key: new(fmt.Sprint(n)),
			Body: io.NopCloser(strings.NewReader("x")), ContentLength: new(int64(1))})
		if err == nil {
			return
		}
		if e := awserr.From(err); e != nil {
			f.t.Errorf("object %d: %v", n, err)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (f *fleet) startNamed(n int) {
	must[states.StartExecutionOutput](f, "states", "StartExecution", &states.StartExecutionInput{StateMachineArn: new(machineARN("waits")), Name: new(fmt.Sprint(n)), Input: new("{}")})
}

func (f *fleet) schedule(n int, in time.Duration) {
	must[scheduler.CreateScheduleOutput](f, "scheduler", "CreateSchedule", &scheduler.CreateScheduleInput{Name: new(fmt.Sprint("s", n)), ClientToken: new(fmt.Sprint("t", n)),
		ScheduleExpression: new(time.Now().UTC().Add(in).Format("at(2006-01-02T15:04:05)")), FlexibleTimeWindow: &scheduler.FlexibleTimeWindow{Mode: new("OFF")},
		ActionAfterCompletion: new("DELETE"),
		Target:                &scheduler.Target{Arn: new(queueARN), RoleArn: new("arn:aws:iam::123456789012:role/r"), Input: new(fmt.Sprint("schedule ", n))}})
}

// drain receives from the queue until all that is wanted has come.
func (f *fleet) drain(url string, wanted map[string]bool) {
	f.t.Helper()
	came := 0
	for stop := time.Now().Add(2 * time.Minute); len(wanted) > 0; {
		if time.Now().After(stop) {
			f.t.Errorf("%d were not told of, after %d messages:", len(wanted), came)
			for what := range wanted {
				f.t.Error(what)
			}
			return
		}
		out := must[sqs.ReceiveMessageOutput](f, "sqs", "ReceiveMessage", &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: new(int64(10)), WaitTimeSeconds: new(int64(1))})
		for _, m := range out.Messages {
			came++
			delete(wanted, told(*m.Body))
			must[sqs.DeleteMessageOutput](f, "sqs", "DeleteMessage", &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
		}
	}
	f.t.Logf("all came, in %d messages", came)
}

// told is what a message tells of.
func told(body string) string {
	var records struct {
		Records []struct {
			S3 struct{ Object struct{ Key string } }
		}
	}
	var text string
	switch {
	case json.Unmarshal([]byte(body), &records) == nil && len(records.Records) == 1:
		return "object " + records.Records[0].S3.Object.Key
	case json.Unmarshal([]byte(body), &text) == nil:
		return text
	}
	return body
}
