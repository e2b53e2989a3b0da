package states

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/diag"
	"stepwell/internal/store"
)

// TestMockFiles runs testdata/mock/files.txt: a mock file and what is wrong with it.
func TestMockFiles(t *testing.T) {
	for _, file := range scripts(t, "testdata/mock/files.txt") {
		rewriteBlocks(t, file, func(_ string, args map[string]string) string {
			m, found := ParseMocks(args["file"])
			if d := args["definition"]; d != "" && len(found) == 0 {
				found = append(m.Unknown([]string{"Machine"}), m.Check("Machine", d)...)
			}
			var b strings.Builder
			for _, d := range found {
				_, column := diag.Position(args["file"], d.Span.Start)
				fmt.Fprintf(&b, "%d %s", column, d.Text)
				if d.Suggestion != "" {
					fmt.Fprintf(&b, " (%s?)", d.Suggestion)
				}
				b.WriteByte('\n')
			}
			if len(found) == 0 {
				return fmt.Sprint("fine ", m.Machines(), " ", m.Cases("Machine"))
			}
			return strings.TrimSuffix(b.String(), "\n")
		})
	}
}

// TestMockedRuns runs testdata/mock/runs.txt: a mock file, a definition, the
// test case, and what the execution comes to.
func TestMockedRuns(t *testing.T) {
	for _, file := range scripts(t, "testdata/mock/runs.txt") {
		rewriteBlocks(t, file, func(_ string, args map[string]string) string {
			mocks, found := ParseMocks(args["file"])
			if len(found) > 0 {
				t.Fatal(found)
			}
			b := newBridge(t, mocks)
			definition, err := json.Marshal(args["definition"])
			if err != nil {
				t.Fatal(err)
			}
			kind := args["kind"]
			if kind == "" {
				kind = "STANDARD"
			}
			arn := b.do("states", "CreateStateMachine", `{"Name":"Machine","Type":"`+kind+`","RoleArn":"arn:aws:iam::123456789012:role/r","Definition":`+string(definition)+`}`)["StateMachineArn"].(string)
			start := `{"StateMachineArn":"` + arn + args["case"] + `","Input":"{}"}`
			if kind == "EXPRESS" {
				out := b.do("states", "StartSyncExecution", start)
				return fmt.Sprint(out["Status"], " ", out["Error"], " ", out["Cause"], " ", out["Output"])
			}
			out, err := b.call("states", "StartExecution", start)
			if err != nil {
				return show(out, err)[:len(show(out, err))-1]
			}
			e := b.await(lastName(out))
			return fmt.Sprint(e["Status"], " ", e["Error"], " ", e["Cause"], " ", e["Output"])
		})
	}
}

// TestMocksGoOnAfterARestart: the number of an invocation outlives the server.
func TestMocksGoOnAfterARestart(t *testing.T) {
	mocks, found := ParseMocks(`{"StateMachines":{"m":{"TestCases":{"c":{"A":"r","B":"r2"}}}},"MockedResponses":{
		"r":{"0":{"Return":"first"},"1":{"Return":"second"}},"r2":{"0":{"Return":1}}}}`)
	if len(found) > 0 {
		t.Fatal(found)
	}
	file := filepath.Join(t.TempDir(), "s.db")
	open := func(c clock.Clock) *world {
		st, err := store.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, store: st, clock: c, bus: bus.New()}
		w.svc = New(Deps{Store: st, Clock: c, Bus: w.bus, Catalog: w.bus, IDs: bus.RandomIDs{}, Log: slog.New(slog.DiscardHandler), Mocks: mocks})
		w.bus.Register(w.svc.Table())
		if err := w.svc.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		return w
	}
	definition, err := json.Marshal(`{"StartAt":"A","States":{
		"A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"Next":"C"},
		"C":{"Type":"Choice","Choices":[{"Variable":"$","StringEquals":"second","Next":"B"}],"Default":"W"},
		"W":{"Type":"Wait","Seconds":3600,"Next":"A"},
		"B":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"End":true}}}`)
	if err != nil {
		t.Fatal(err)
	}
	w := open(clock.New(1)) // real time: it stays in the Wait
	arn := w.must("CreateStateMachine", `{"Name":"m","RoleArn":"arn:aws:iam::123456789012:role/r","Definition":`+string(definition)+`}`)["StateMachineArn"].(string)
	execution := w.must("StartExecution", `{"StateMachineArn":"`+arn+`#c"}`)["ExecutionArn"].(string)
	for !strings.Contains(w.history(execution), "WaitStateEntered") {
	}
	w.close()
	w = open(clock.New(0))
	defer w.close()
	if e := w.await(execution); e["Status"] != "SUCCEEDED" || e["Output"] != "1" {
		t.Errorf("execution is %v\n%s", e, w.history(execution))
	}
}
