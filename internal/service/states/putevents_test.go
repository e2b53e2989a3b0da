package states

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestPutEvents: the entries of events:putEvents, and the events of the
// execution's changes, are on the default bus.
func TestPutEvents(t *testing.T) {
	for _, c := range []struct{ name, entries, status, result, events string }{
		{
			name:    "details as text and as objects; the execution is among the resources",
			entries: `[{"Detail":"{\"m\":\"a\"}","DetailType":"t","Source":"s"},{"Detail":{"m":"b"},"DetailType":"t","Source":"s","Resources":["r"]}]`,
			status:  "SUCCEEDED", result: `{"Entries":[{"EventId":"ID"},{"EventId":"ID"}],"FailedEntryCount":0}`,
			events: `s t ["MACHINE","EXECUTION"] {"m":"a"}
s t ["r","MACHINE","EXECUTION"] {"m":"b"}`,
		},
		{
			name:    "an entry that fails",
			entries: `[{"Detail":"{\"m\":\"a\"}","DetailType":"t","Source":"s"},{"Detail":"\"text\"","DetailType":"t","Source":"s"}]`,
			status:  "FAILED", result: `EventBridge.FailedEntry {"Entries":[{"EventId":"ID"},{"ErrorCode":"MalformedDetail","ErrorMessage":"Detail is malformed."}],"FailedEntryCount":1}`,
			events: `s t ["MACHINE","EXECUTION"] {"m":"a"}`,
		},
		{
			name:    "a source of AWS's own, a detail type that lacks",
			entries: `[{"Detail":"{}","DetailType":"t","Source":"aws.s3"},{"Detail":"{}","Source":"s"}]`,
			status:  "FAILED", result: `EventBridge.FailedEntry {"Entries":[{"ErrorCode":"NotAuthorizedForSourceException","ErrorMessage":"Not authorized for the source."},` +
				`{"ErrorCode":"InvalidArgument","ErrorMessage":"Parameter DetailType is not valid. Reason: DetailType is a required argument."}],"FailedEntryCount":2}`,
		},
		{
			name:    "a bus that is not there",
			entries: `[{"Detail":"{}","DetailType":"t","Source":"s","EventBusName":"other"}]`,
			status:  "SUCCEEDED", result: `{"Entries":[{"EventId":"ID"}],"FailedEntryCount":0}`,
			events: `s t ["MACHINE","EXECUTION"] {}`,
		},
		{
			name:    "no entries",
			entries: `[]`,
			status:  "FAILED", result: `EventBridge.AmazonEventBridgeException 1 validation error detected`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBridge(t, nil)
			definition, err := json.Marshal(`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::events:putEvents","Parameters":{"Entries.$":"$.e"},"End":true}}}`)
			if err != nil {
				t.Fatal(err)
			}
			input, err := json.Marshal(`{"e":` + c.entries + `}`)
			if err != nil {
				t.Fatal(err)
			}
			machine := b.do("states", "CreateStateMachine", `{"Name":"m","RoleArn":"arn:aws:iam::123456789012:role/r","Definition":`+string(definition)+`}`)["StateMachineArn"].(string)
			arn := b.do("states", "StartExecution", `{"StateMachineArn":"`+machine+`","Input":`+string(input)+`}`)["ExecutionArn"].(string)
			e := b.await(arn)
			result := fmt.Sprint(e["Output"])
			if e["Status"] == "FAILED" {
				result = fmt.Sprint(e["Error"], " ", e["Cause"])
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			var put, changes []string
			for _, event := range b.received {
				result = strings.ReplaceAll(result, event.ID, "ID")
				if event.Source != "aws.states" {
					resources, err := json.Marshal(event.Resources)
					if err != nil {
						t.Fatal(err)
					}
					put = append(put, fmt.Sprint(event.Source, " ", event.DetailType, " ", string(resources), " ", string(event.Detail)))
					continue
				}
				var detail map[string]any
				if err := json.Unmarshal(event.Detail, &detail); err != nil {
					t.Fatal(err)
				}
				changes = append(changes, fmt.Sprint(detail["status"], " ", detail["executionArn"] == arn, " ", detail["stopDate"] != nil, " ", event.Resources[0] == arn))
			}
			if e["Status"] != c.status || !strings.HasPrefix(result, c.result) {
				t.Errorf("execution is %v %s", e["Status"], result)
			}
			if got := strings.NewReplacer(arn, "EXECUTION", machine, "MACHINE").Replace(strings.Join(put, "\n")); got != c.events {
				t.Errorf("events are\n%s", got)
			}
			if got := strings.Join(changes, ", "); got != "RUNNING true false true, "+c.status+" true true true" {
				t.Errorf("changes are %s", got)
			}
		})
	}
}

// TestStatusDetail: data that is too long for an event is left out, input first.
func TestStatusDetail(t *testing.T) {
	long, short := strings.Repeat("x", 200<<10), "{}"
	for _, c := range []struct {
		input, output *string
		want          string
	}{
		{&short, nil, "true true false"},
		{&long, &short, "true true true true"},
		{&long, &long, "false false true true"},
		{&short, new(strings.Repeat("\"", 130<<10)), "false false false false"},
	} {
		b := newBridge(t, nil)
		change := StatusChange{Execution: b.svc.describe(&execution{Status: "SUCCEEDED"}, "")}
		change.Execution.Input, change.Execution.Output = c.input, c.output
		text, err := change.Detail()
		if err != nil {
			t.Fatal(err)
		}
		var d statusDetail
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(d.Input != nil, " ", d.InputThere.Included, " ", d.Output != nil)
		if d.OutputThere != nil {
			got += fmt.Sprint(" ", d.OutputThere.Included)
		}
		if got != c.want {
			t.Errorf("input %d, output %d bytes: %s, want %s", len(*c.input), len(value(c.output)), got, c.want)
		}
	}
}
