package exec

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"stepwell/internal/asl/check"
)

// sharedDir finds the recorded answers of the service: $STEPWELL_SHARED, or
// the folder "shared" beside the repository.
func sharedDir(t *testing.T) string {
	dir := os.Getenv("STEPWELL_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared")
	}
	dir, _ = filepath.Abs(filepath.Join(dir, "conformance", "asl"))
	if _, err := os.Stat(filepath.Join(dir, "cases.jsonl")); err != nil {
		t.Skipf("no recorded answers at %s (set STEPWELL_SHARED)", dir)
	}
	if _, err := osexec.LookPath("python3"); err != nil {
		t.Skip("the comparer needs python3")
	}
	return dir
}

type recordedCase struct {
	ID, Area, Kind, Type string
	Definition           json.RawMessage
	Input                *string
	Needs                []string
	Steps                []struct {
		Call  string
		Match string
		Args  map[string]json.RawMessage
	}
	Expect map[string]json.RawMessage
}

func readCases(t *testing.T, dir string) []recordedCase {
	f, err := os.Open(filepath.Join(dir, "cases.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []recordedCase
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		var c recordedCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	return cases
}

// play runs a machine without tasks to its end, jumping over waits.
func play(m *Machine, info Info, at time.Time) (events []Event, x *Execution, err error) {
	x = New(m, info, Env{})
	var in Input = Start{at}
	for i := 0; i < 100000; i++ {
		step, err := x.Advance(in)
		if err != nil {
			return events, x, err
		}
		events = append(events, step.Events...)
		switch {
		case step.End != nil:
			return events, x, nil
		case step.More:
			in = Continue{at}
		case step.Wake.IsZero():
			return events, x, fmt.Errorf("the execution waits for a task: %v", x.Tasks())
		case step.Wake.Sub(at) > 24*time.Hour:
			return events, x, nil
		default:
			at = step.Wake
			in = Wake{at}
		}
	}
	return events, x, fmt.Errorf("the execution does not end")
}

func recordedInfo(input string, at time.Time) Info {
	arn := "arn:aws:states:us-east-1:111111111111:"
	return Info{ID: arn + "execution:machine:run", Name: "run", RoleARN: "arn:aws:iam::111111111111:role/r", StartTime: at,
		StateMachineID: arn + "stateMachine:machine", StateMachineName: "machine", Region: "us-east-1", Input: []byte(input)}
}

// The comparer is the one that stands beside the recordings.
const comparer = `
import sys, json
sys.path.insert(0, sys.argv[1])
import compare
cases = compare.load(sys.argv[1] + "/cases.jsonl")
answers = json.load(open(sys.argv[2]))
out = {}
for id, history in answers.items():
    expected = next(iter(cases[id]["expect"].values()))
    if "outputs-parsed" in (cases[id].get("normalised") or []) and not isinstance(history, str):
        for e in history["events"]:
            for d in e.values():
                if isinstance(d, dict) and "output" in d:
                    d["output"] = json.loads(d["output"])
    out[id] = compare.compare_history(cases[id], expected, history) if not isinstance(history, str) else [history]
json.dump(out, sys.stdout)
`

// knownDifferences are recorded histories that are not reproduced, with the reason.
var knownDifferences = map[string]string{
	scenarioID + "test_parallel_state[PARALLEL_STATE]": parallelReason,
	scenarioID + "test_parallel_state_nested":          parallelReason,
	scenarioID + "test_parallel_state_order":           parallelReason,
	scenarioID + "test_max_concurrency_path_negative":  "the recording stops at ExecutionStarted",
}

const (
	scenarioID     = "tests/aws/services/stepfunctions/v2/scenarios/test_base_scenarios.py::TestBaseScenarios::"
	parallelReason = "the recording leaves out ParallelStateSucceeded (and events equal to others): its ids have holes"
)

func TestRecordedHistories(t *testing.T) {
	dir := sharedDir(t)
	answers := map[string]any{}
	areas, refused := map[string]string{}, map[string]bool{}
	for _, c := range readCases(t, dir) {
		if c.Kind != "history" || len(c.Needs) > 0 || strings.Contains(string(c.Definition), "JSONata") {
			continue
		}
		areas[c.ID] = c.Area
		at := time.Now().UTC().Truncate(time.Second)
		input := "{}"
		if c.Input != nil {
			input = fillNow(*c.Input, at)
		}
		m, problems := Compile(string(c.Definition), Options{Express: c.Type == "EXPRESS"})
		if m == nil {
			answers[c.ID] = fmt.Sprint("refused: ", problems)
			if problems[0].Code == check.NotImplemented {
				refused[c.ID] = true
			}
			continue
		}
		events, _, err := play(m, recordedInfo(input, at), at)
		if err != nil {
			answers[c.ID] = err.Error()
			continue
		}
		list := []*Event{}
		for i := range events {
			list = append(list, &events[i])
		}
		answers[c.ID] = map[string]any{"events": list}
	}
	score(t, dir, answers, areas, refused)
}

// fillNow replaces {{now}} and {{now+Nd}}.
func fillNow(text string, at time.Time) string {
	for {
		i := strings.Index(text, "{{now")
		if i < 0 {
			return text
		}
		end := i + strings.Index(text[i:], "}}")
		days := 0
		fmt.Sscanf(text[i:end], "{{now+%dd", &days)
		text = text[:i] + at.AddDate(0, 0, days).Format("2006-01-02T15:04:05") + text[end+2:]
	}
}

func score(t *testing.T, dir string, answers map[string]any, areas map[string]string, refused map[string]bool) {
	file := filepath.Join(t.TempDir(), "answers.json")
	data, err := json.Marshal(answers)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := osexec.Command("python3", "-B", "-c", comparer, dir, file)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("comparer: %v\n%s", err, stderr.String())
	}
	differences := map[string][]string{}
	if err := json.Unmarshal(out, &differences); err != nil {
		t.Fatal(err)
	}
	passed, total := map[string]int{}, map[string]int{}
	var ids []string
	for id := range differences {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	for _, id := range ids {
		d := differences[id]
		total[areas[id]]++
		reason, known := knownDifferences[id]
		switch {
		case len(d) == 0 && known:
			t.Errorf("%s: passes, but is listed as different: %s", id, reason)
		case len(d) == 0:
			passed[areas[id]]++
		case !known && !refused[id]:
			t.Errorf("%s:\n  %s", id[strings.LastIndex(id, "::")+2:], strings.Join(d[:min(3, len(d))], "\n  "))
		}
	}
	var names []string
	for a := range total {
		names = append(names, a)
	}
	sort.Strings(names)
	sum, all := 0, 0
	for _, a := range names {
		t.Logf("%-16s %3d/%d", a, passed[a], total[a])
		sum, all = sum+passed[a], all+total[a]
	}
	t.Logf("%-16s %3d/%d", "total", sum, all)
}
