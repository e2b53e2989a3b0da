package crash

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awsapi/states"
)

// kind is a kind of execution; its machine is testdata/NAME.asl.json.
type kind struct {
	name string
	// want is the output of execution n, as JSON; for the kind "fail" its error and cause.
	want func(n int) string
	// effects are the names of its effects without the execution's name.
	effects []string
	// varies: how often a task is tried depends on when the server dies.
	varies bool
}

var kinds = []kind{
	{name: "wait", want: format(`{"sum": %d}`, func(n int) any { return n + 5 }), effects: []string{""}},
	{name: "retry", want: format(`{"answer": %d}`, func(n int) any { return 7 * n }), effects: []string{"/0", "/1", "/2"}},
	{name: "token", want: format(`{"answer": %d}`, func(n int) any { return 7 * n }), effects: []string{""}},
	{name: "fail", want: format(`Given: up %d after Flaky`, func(n int) any { return n }), effects: []string{"/0", "/1"}},
	{name: "activity", want: format(`{"worked": %d}`, func(n int) any { return n }), varies: true},
	{name: "parallel", want: format(`["a", "b", "\"body %d\""]`, func(n int) any { return n }), effects: []string{""}},
	{name: "map", want: func(n int) string { return listed("map", n, 5) }, effects: []string{"/0", "/1", "/2", "/3", "/4"}},
	{name: "spread", want: func(int) string { return `{"bucket": "crash-data"}` }, effects: []string{"/0", "/1", "/2", "/3", "/4", "/5", "/6", "/7"}},
	{name: "batches", want: func(n int) string { return listed("batches", n, 2, 2, 1) }},
	{name: "nested", want: format(`{"child": %d}`, func(n int) any { return n }), effects: []string{""}},
	{name: "loop", want: func(int) string { return `{"turns": 30}` }, effects: []string{"/14"}},
	{name: "jsonata", want: format(`{"total": %d, "published": true}`, func(n int) any { return n * (n + 1) / 2 }), effects: []string{""}},
	{name: "statement", want: func(int) string { return `{"status": "FINISHED"}` }, varies: true},
}

func format(text string, value func(n int) any) func(int) string {
	return func(n int) string { return fmt.Sprintf(text, value(n)) }
}

// listed are an execution's items, in lists of the given lengths where there are several.
func listed(kind string, n int, lengths ...int) string {
	var lists []any
	i := 0
	for _, length := range lengths {
		var items []any
		for range length {
			items = append(items, fmt.Sprintf("%s-%d item %d", kind, n, i))
			i++
		}
		lists = append(lists, items)
	}
	var v any = lists
	if len(lists) == 1 {
		v = lists[0]
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// undisturbed is the number of the execution of each kind that no kill disturbs.
const undisturbed = 2000

// reference runs one execution of each kind and returns how many events of each
// type their histories have.
func (f *fleet) reference() map[string]map[string]int {
	f.t.Helper()
	all := map[string]map[string]int{}
	for _, k := range kinds {
		f.start(k.name, undisturbed)
	}
	for i := range kinds {
		f.check(&kinds[i], undisturbed, nil)
		all[kinds[i].name] = count(f.events(executionARN(kinds[i].name, fmt.Sprintf("%s-%d", kinds[i].name, undisturbed))))
	}
	return all
}

// check looks at what an execution came to, at its history and its effects.
func (f *fleet) check(k *kind, n int, reference map[string]map[string]int) {
	f.t.Helper()
	name := fmt.Sprintf("%s-%d", k.name, n)
	arn := executionARN(k.name, name)
	end := f.await(arn)
	got, want, status := deref(end.Output), k.want(n), "SUCCEEDED"
	if k.name == "fail" {
		got, status = deref(end.Error)+": "+deref(end.Cause), "FAILED"
	}
	if *end.Status != status || !same(got, want) {
		f.t.Errorf("%s ended %s %s %s, want %s\n%s", name, *end.Status, got, deref(end.Cause), want, f.history(arn))
	}
	events := f.events(arn)
	h := wellFormed(events, status)
	if h.fault != nil {
		f.t.Errorf("%s: %v\n%s", name, h.fault, f.history(arn))
	}
	if counts := count(events); reference != nil && !k.varies && !maps.Equal(counts, reference[k.name]) {
		f.t.Errorf("%s has the events %v, undisturbed %v", name, counts, reference[k.name])
	}
	results := h.results
	switch k.name {
	case "spread":
		results = append(results, f.checkChildren(arn, name)...)
	case "nested":
		child := strings.Join(h.started, "")
		inner := wellFormed(f.events(child), "SUCCEEDED")
		if inner.fault != nil {
			f.t.Errorf("the child of %s: %v", name, inner.fault)
		}
		results = append(results, inner.results...)
	}
	f.checkEffects(k, name, results)
}

// checkEffects: each effect that was to be has its result in a history, and
// happened then; none happened after its result was recorded.
func (f *fleet) checkEffects(k *kind, name string, results []result) {
	f.t.Helper()
	happened := f.subscriber.effects()
	recorded := map[string]int{}
	for _, r := range results {
		recorded[r.effect]++
		times := happened[r.effect]
		if times == nil || times[r.message].IsZero() {
			f.late(r)
			continue
		}
		for id, at := range times {
			if id != r.message && at.After(r.at) {
				f.t.Errorf("effect %s was repeated at %v, its result was recorded at %v", r.effect, at, r.at)
			}
		}
	}
	want := map[string]int{}
	for _, e := range k.effects {
		want[name+e] = 1
	}
	if !maps.Equal(recorded, want) {
		f.t.Errorf("%s has recorded the effects %v, want %v", name, recorded, want)
	}
}

// checkChildren looks at the children of a Map run and at what its ResultWriter wrote.
func (f *fleet) checkChildren(arn, name string) (results []result) {
	f.t.Helper()
	runs := must[states.ListMapRunsOutput](f, "states", "ListMapRuns", &states.ListMapRunsInput{ExecutionArn: &arn}).MapRuns
	if len(runs) != 1 {
		f.t.Errorf("%s has %d Map runs", name, len(runs))
		return nil
	}
	d := must[states.DescribeMapRunOutput](f, "states", "DescribeMapRun", &states.DescribeMapRunInput{MapRunArn: runs[0].MapRunArn})
	if *d.Status != "SUCCEEDED" || *d.ItemCounts.Succeeded != rows || *d.ItemCounts.Total != rows || *d.ExecutionCounts.ResultsWritten != rows {
		f.t.Errorf("the Map run of %s: %s %+v", name, *d.Status, *d.ItemCounts)
	}
	children := must[states.ListExecutionsOutput](f, "states", "ListExecutions", &states.ListExecutionsInput{MapRunArn: runs[0].MapRunArn}).Executions
	if len(children) != rows {
		f.t.Errorf("the Map run of %s has %d children", name, len(children))
	}
	for _, c := range children {
		h := wellFormed(f.events(*c.ExecutionArn), "SUCCEEDED")
		if h.fault != nil {
			f.t.Errorf("child %s of %s: %v", *c.Name, name, h.fault)
		}
		results = append(results, h.results...)
	}
	prefix := "results/" + name + "/"
	var keys []string
	for _, o := range must[s3.ListObjectsV2Output](f, "s3", "ListObjectsV2", &s3.ListObjectsV2Input{Bucket: new(bucket), Prefix: &prefix}).Contents {
		keys = append(keys, (*o.Key)[strings.LastIndexByte(*o.Key, '/')+1:])
		if !strings.HasSuffix(*o.Key, "/SUCCEEDED_0.json") {
			continue
		}
		var entries []struct{ Name, Input string }
		if err := json.Unmarshal([]byte(f.get(*o.Key)), &entries); err != nil {
			f.t.Errorf("%s: %v", *o.Key, err)
		}
		var inputs []string
		for _, e := range entries {
			inputs = append(inputs, e.Input)
		}
		slices.Sort(inputs)
		for i := range rows {
			if want := fmt.Sprintf(`{"name":%q,"row":"%d"}`, name, i); len(inputs) != rows || !same(inputs[i], want) {
				f.t.Errorf("%s has the inputs %q", *o.Key, inputs)
				break
			}
		}
	}
	if slices.Sort(keys); !slices.Equal(keys, []string{"SUCCEEDED_0.json", "manifest.json"}) {
		f.t.Errorf("the ResultWriter of %s wrote %q", name, keys)
	}
	return results
}

// checkAll looks at what the executions have done together.
func (f *fleet) checkAll(executions int) {
	f.t.Helper()
	want := map[string]int{}
	for n := range executions {
		want[kinds[n%len(kinds)].name]++
	}
	for _, k := range kinds {
		machine, number := k.name, want[k.name]+1 // and the undisturbed one
		if got := f.executions(machine); got != number {
			f.t.Errorf("there are %d executions of %s, want %d", got, machine, number)
		}
		if machine == "nested" {
			if got := f.executions("child"); got != number {
				f.t.Errorf("there are %d executions that others have started, want %d", got, number)
			}
		}
	}
	inserted := map[string]int{}
	for _, name := range f.query("select name from effects") {
		inserted[name]++
	}
	for n := range executions {
		if name := fmt.Sprintf("statement-%d", n); kinds[n%len(kinds)].name == "statement" && inserted[name] != 1 {
			f.t.Errorf("%s has inserted %d rows", name, inserted[name])
		}
	}
}

// executions counts the executions of a machine.
func (f *fleet) executions(machine string) (n int) {
	f.t.Helper()
	in := &states.ListExecutionsInput{StateMachineArn: new(machineARN(machine))}
	for {
		page := must[states.ListExecutionsOutput](f, "states", "ListExecutions", in)
		n += len(page.Executions)
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return n
		}
	}
}

// same compares JSON texts; texts that are none must be equal.
func same(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return a == b
	}
	return reflect.DeepEqual(x, y)
}
