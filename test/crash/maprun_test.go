package crash

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awsapi/states"
)

const (
	wideLines   = 4000
	wideBatch   = 20
	wideMachine = `{"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "Label": "wide", "MaxConcurrency": 40,
		"ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "wide", "Key": "lines.csv"},
			"ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}},
		"ItemSelector": {"id.$": "$$.Map.Item.Value.id"}, "ItemBatcher": {"MaxItemsPerBatch": 20},
		"ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "W", "States": {
			"W": {"Type": "Wait", "Seconds": 1, "Next": "P"}, "P": {"Type": "Pass", "OutputPath": "$.Items", "End": true}}},
		"ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "wide", "Prefix": "out"},
			"WriterConfig": {"OutputType": "JSONL", "Transformation": "FLATTEN"}}}}}`
)

// TestKillMapRun kills the server while Map runs are under way, one of which is
// stopped and redriven in between. Every line of the file must be in the results
// once, and every child have succeeded.
func TestKillMapRun(t *testing.T) {
	if *program == "" {
		t.Skip("no -stepwell: run make crash")
	}
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	f := newFleet(t)
	f.up()
	random := seeded(t)
	must[s3.CreateBucketOutput](f, "s3", "CreateBucket", &s3.CreateBucketInput{Bucket: new("wide")})
	var text strings.Builder
	text.WriteString("id\n")
	for i := range wideLines {
		fmt.Fprintf(&text, "%d\n", i)
	}
	must[s3.PutObjectOutput](f, "s3", "PutObject", &s3.PutObjectInput{Bucket: new("wide"), Key: new("lines.csv"),
		Body: io.NopCloser(strings.NewReader(text.String())), ContentLength: new(int64(text.Len()))})
	must[states.CreateStateMachineOutput](f, "states", "CreateStateMachine", &states.CreateStateMachineInput{Name: new("wide"),
		Definition: new(wideMachine), RoleArn: new("arn:aws:iam::123456789012:role/crash")})
	for round := range rounds {
		arn := f.start("wide", round)
		for range 1 + round%3 {
			time.Sleep(time.Duration(random.Int64N(int64(4 * time.Second))))
			f.kill()
			f.up()
		}
		if round%2 == 1 {
			must[states.StopExecutionOutput](f, "states", "StopExecution", &states.StopExecutionInput{ExecutionArn: &arn})
			if random.IntN(2) == 0 {
				f.kill()
				f.up()
			}
			if d := f.await(arn); *d.Status == "ABORTED" {
				must[states.RedriveExecutionOutput](f, "states", "RedriveExecution", &states.RedriveExecutionInput{ExecutionArn: &arn})
			}
		}
		if d := f.await(arn); *d.Status != "SUCCEEDED" {
			t.Fatalf("%s is %s: %s %s", arn, *d.Status, deref(d.Error), deref(d.Cause))
		}
		f.checkWide(arn)
	}
	f.stop()
	f.checkLog()
}

// checkWide looks at an ended Map run of the machine wide.
func (f *fleet) checkWide(arn string) {
	f.t.Helper()
	run := must[states.ListMapRunsOutput](f, "states", "ListMapRuns", &states.ListMapRunsInput{ExecutionArn: &arn}).MapRuns[0].MapRunArn
	d := must[states.DescribeMapRunOutput](f, "states", "DescribeMapRun", &states.DescribeMapRunInput{MapRunArn: run})
	if *d.Status != "SUCCEEDED" || *d.ItemCounts.Succeeded != wideLines || *d.ItemCounts.Total != wideLines || *d.ExecutionCounts.Total != wideLines/wideBatch {
		f.t.Errorf("the Map run of %s: %s %+v", arn, *d.Status, *d.ItemCounts)
	}
	statuses := map[string]int{}
	for _, c := range must[states.ListExecutionsOutput](f, "states", "ListExecutions",
		&states.ListExecutionsInput{MapRunArn: run, MaxResults: new(int64(1000))}).Executions {
		statuses[*c.Status]++
	}
	if statuses["SUCCEEDED"] != wideLines/wideBatch || len(statuses) != 1 {
		f.t.Errorf("the children of %s: %v", arn, statuses)
	}
	_, id, _ := strings.Cut((*run)[strings.LastIndexByte(*run, '/')+1:], ":")
	lines := strings.Fields(f.page("/wide/out/" + id + "/SUCCEEDED_0.jsonl"))
	slices.Sort(lines)
	if n := len(lines); n != wideLines || len(slices.Compact(lines)) != n {
		f.t.Errorf("the results of %s hold %d lines, want %d different ones", arn, n, wideLines)
	}
}
