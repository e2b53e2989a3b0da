package states

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/clock"

	api "stepwell/internal/awsapi/states"
)

// crashMachines are the machines of the tests that end servers by name; each takes
// {"n": number}.
var crashMachines = map[string]string{
	"waits": `{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 40, "Next": "P"},
		"P": {"Type": "Pass", "Parameters": {"i.$": "$.n", "sum.$": "States.MathAdd($.n, 5)"}, "Next": "W2"},
		"W2": {"Type": "Wait", "Seconds": 3, "End": true}}}`,
	"glue": `{"StartAt": "G", "States": {"G": {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync",
		"Parameters": {"JobName.$": "States.Format('job{}', $.n)", "Arguments": {"--seconds": "20"}},
		"ResultSelector": {"state.$": "$.JobRunState"}, "Next": "W"}, "W": {"Type": "Wait", "Seconds": 1, "End": true}}}`,
	"retry": `{"StartAt": "G", "States": {"G": {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync",
		"Parameters": {"JobName.$": "States.Format('bad{}', $.n)", "Arguments": {"--then": "FAILED"}},
		"Retry": [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 2, "MaxAttempts": 2, "BackoffRate": 2}],
		"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "S"}], "End": true},
		"S": {"Type": "Pass", "Result": "caught", "End": true}}}`,
	"sql": `{"StartAt": "P", "States": {"P": {"Type": "Parallel", "End": true, "Branches": [
		{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:redshiftdata:executeStatement",
			"Parameters": {"Sql.$": "States.Format('insert {}', $.n)", "Database": "dev"}, "ResultSelector": {"ok": true}, "End": true}}},
		{"StartAt": "B", "States": {"B": {"Type": "Wait", "Seconds": 5, "Next": "C"}, "C": {"Type": "Pass", "Result": "b", "End": true}}}]}}}`,
	"map": `{"StartAt": "M", "States": {"M": {"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 2, "End": true,
		"ItemProcessor": {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 2, "Next": "S"},
		"S": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:redshiftdata:executeStatement",
			"Parameters": {"Sql.$": "States.Format('item {}', $)", "Database": "dev"}, "ResultSelector": {"ok": true}, "End": true}}}}}}`,
	"spread": `{"StartAt": "M", "States": {"M": {"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 2, "End": true,
		"ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "W",
		"States": {"W": {"Type": "Wait", "Seconds": 2, "Next": "S"},
		"S": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:redshiftdata:executeStatement",
			"Parameters": {"Sql.$": "States.Format('spread {}', $)", "Database": "dev"}, "ResultSelector": {"ok": true}, "End": true}}}}}}`,
	"batches": `{"StartAt": "M", "States": {"M": {"Type": "Map", "ItemsPath": "$.items", "ItemBatcher": {"MaxItemsPerBatch": 2}, "End": true,
		"ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}, "StartAt": "W",
		"States": {"W": {"Type": "Wait", "Seconds": 2, "Next": "P"}, "P": {"Type": "Pass", "End": true}}}}}}`,
	"nested": `{"StartAt": "N", "States": {"N": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2",
		"Parameters": {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:waits", "Input": {"n.$": "$.n"}},
		"ResultSelector": {"out.$": "$.Output"}, "End": true}}}`,
	"activity": `{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:us-east-1:123456789012:activity:act", "TimeoutSeconds": 60,
		"Retry": [{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 99999999}], "Next": "P"}, "P": {"Type": "Wait", "Seconds": 1, "End": true}}}`,
	"token": `{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish.waitForTaskToken",
		"Parameters": {"TopicArn": "arn:aws:sns:us-east-1:123456789012:t", "Message": {"n.$": "$.n", "token.$": "$$.Task.Token"}}, "End": true}}}`,
}

const crashEach = 4 // executions of each machine

func crashInput(n int) string {
	return fmt.Sprintf(`{"n": %d, "items": ["%d0", "%d1", "%d2"]}`, n, n, n, n)
}

func crashARN(name string, n int) string {
	return fmt.Sprintf("arn:aws:states:us-east-1:123456789012:execution:%s:e%d", name, n)
}

// answerTokens answers what waits for an answer, as clients would: messages
// with a token, and activity tasks.
func (w *world) answerTokens(stop <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-stop
		cancel()
	}()
	go func() {
		for ctx.Err() == nil {
			out, err := bus.Invoke[api.GetActivityTaskOutput](ctx, w.bus, "states", "GetActivityTask", &api.GetActivityTaskInput{ActivityArn: new("arn:aws:states:us-east-1:123456789012:activity:act")})
			if err != nil || out.TaskToken == nil {
				continue
			}
			w.others.hold(*out.TaskToken, *out.Input)
		}
	}()
	go func() {
		for ctx.Err() == nil {
			for token, output := range w.others.held() {
				_, err := w.bus.Invoke(ctx, "states", "SendTaskSuccess", &api.SendTaskSuccessInput{TaskToken: &token, Output: &output})
				if err == nil || strings.Contains(err.Error(), "TaskTimedOut") {
					w.others.release(token)
				}
			}
			time.Sleep(time.Millisecond)
		}
	}()
}

// begin creates the machines and starts the executions that are not there yet.
func (w *world) begin() {
	w.t.Helper()
	w.must("CreateActivity", `{"Name": "act"}`)
	for name, definition := range crashMachines {
		in, err := json.Marshal(map[string]string{"Name": name, "Definition": definition, "RoleArn": "arn:aws:iam::123456789012:role/r"})
		if err != nil {
			w.t.Fatal(err)
		}
		w.must("CreateStateMachine", string(in))
	}
	for name := range crashMachines {
		for n := range crashEach {
			in, err := json.Marshal(map[string]string{
				"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:" + name, "Name": fmt.Sprintf("e%d", n), "Input": crashInput(n)})
			if err != nil {
				w.t.Fatal(err)
			}
			if _, err := w.call("states", "StartExecution", string(in)); err != nil && code(err) != "ExecutionAlreadyExists" {
				w.t.Fatal(err)
			}
		}
	}
}

// ends waits for all executions and returns what each came to.
func (w *world) ends() map[string]string {
	w.t.Helper()
	ends := map[string]string{}
	for name := range crashMachines {
		for n := range crashEach {
			e := w.await(crashARN(name, n))
			ends[fmt.Sprintf("%s %d", name, n)] = fmt.Sprintf("%v %v %v %v", e["Status"], e["Output"], e["Error"], e["Cause"])
			wellFormed(w.t, w.history(crashARN(name, n)))
		}
	}
	return ends
}

// stopped runs all executions on a server that is stopped and started again a
// number of times.
func stopped(t *testing.T, times int, random *rand.Rand) (map[string]string, *neighbours) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "s.db")
	others := newNeighbours()
	others.slow, others.ids = slowly(random.Uint64()), bus.RandomIDs{}
	w := newWorld(t, file, clock.New(0), others)
	w.begin()
	stop := make(chan struct{})
	w.answerTokens(stop)
	for range times {
		time.Sleep(time.Duration(random.IntN(12000)) * time.Microsecond)
		close(stop)
		w.close()
		w = newWorld(t, file, clock.New(0), others)
		stop = make(chan struct{})
		w.answerTokens(stop)
	}
	defer w.close()
	defer func() { close(stop) }()
	return w.ends(), others
}

// slowly makes the delays of the neighbours.
func slowly(seed uint64) func() time.Duration {
	delays := rand.New(rand.NewPCG(seed, 3))
	return func() time.Duration { return time.Duration(delays.IntN(3)) * time.Millisecond }
}

// wellFormed checks that a history numbers its events without gaps and ends once.
func wellFormed(t testing.TB, history string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(history), "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, fmt.Sprintf("%d ", i+1)) || strings.Contains(line, " Execution") != (i == 0 || i == len(lines)-1) {
			t.Errorf("history is not well formed:\n%s", history)
			return
		}
	}
}

// TestStoppedServer stops the server at random instants while executions run.
// Each ends as in an undisturbed run; jobs and statements run once, messages
// at least once.
func TestStoppedServer(t *testing.T) {
	want := undisturbed(t)
	for seed := range uint64(3) {
		got, others := stopped(t, 10, rand.New(rand.NewPCG(seed, 2)))
		sameEnds(t, want, got, others)
	}
}

// TestKilledServer does the same with SIGKILL: the server is another process.
func TestKilledServer(t *testing.T) {
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(7, 7))
	for range 10 {
		c := exec.Command(os.Args[0], "-test.run=^TestKilledServerProcess$")
		c.Env = append(os.Environ(), "STATES_CRASH_DIR="+dir, fmt.Sprint("STATES_CRASH_SEED=", random.Uint64()))
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); !strings.HasPrefix(line, "serving") {
			t.Errorf("the server says %q, %v", line, err)
		}
		time.Sleep(time.Duration(random.IntN(40)) * time.Millisecond)
		if err := c.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = c.Wait() // it was killed
	}
	others := lasting(t, filepath.Join(dir, "others.db"))
	defer others.file.Close()
	w := newWorld(t, filepath.Join(dir, "s.db"), clock.New(0), others)
	defer w.close()
	stop := make(chan struct{})
	defer close(stop)
	w.answerTokens(stop)
	w.begin()
	sameEnds(t, undisturbed(t), w.ends(), others)
}

// TestKilledServerProcess is the server of TestKilledServer.
func TestKilledServerProcess(t *testing.T) {
	dir := os.Getenv("STATES_CRASH_DIR")
	if dir == "" {
		t.Skip("runs in a process of its own, see TestKilledServer")
	}
	others := lasting(t, filepath.Join(dir, "others.db"))
	var seed uint64
	if _, err := fmt.Sscan(os.Getenv("STATES_CRASH_SEED"), &seed); err != nil {
		t.Fatal(err)
	}
	others.slow = slowly(seed)
	w := newWorld(t, filepath.Join(dir, "s.db"), clock.New(0), others)
	w.answerTokens(make(chan struct{}))
	fmt.Println("serving")
	w.begin()
	select {} // until it is killed
}

func undisturbed(t *testing.T) map[string]string {
	t.Helper()
	want, _ := stopped(t, 0, rand.New(rand.NewPCG(1, 1)))
	for name, end := range want {
		if !strings.HasPrefix(end, "SUCCEEDED") {
			t.Fatalf("undisturbed %s ended %s", name, end)
		}
	}
	return want
}

// sameEnds compares what the executions came to, and what they did on the way.
func sameEnds(t *testing.T, want, got map[string]string, others *neighbours) {
	t.Helper()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s ended %s, undisturbed %s", name, got[name], want[name])
		}
	}
	counts := map[string]int{}
	for _, e := range others.taken() {
		counts[e]++
	}
	for n := range crashEach {
		exactly(t, counts, fmt.Sprintf("glue start job%d", n), 1)
		exactly(t, counts, fmt.Sprintf("glue start bad%d", n), 3)
		exactly(t, counts, fmt.Sprintf("sql insert %d", n), 1)
		for i := range 3 {
			exactly(t, counts, fmt.Sprintf("sql item %d%d", n, i), 1)
		}
	}
	if !slices.ContainsFunc(others.taken(), func(e string) bool { return strings.HasPrefix(e, "sns publish") }) {
		t.Error("no message was published")
	}
}

func exactly(t *testing.T, counts map[string]int, effect string, want int) {
	t.Helper()
	if counts[effect] != want {
		t.Errorf("%q happened %d times, want %d", effect, counts[effect], want)
	}
}
